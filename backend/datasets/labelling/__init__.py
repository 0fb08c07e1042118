"""What a stretch of motion shows, read off its joints, so that captions of crops come true.

Joints are float32 (T, 22, 3) on Placid's skeleton, metres, Y up, floor at 0, 20 fps.
`windows.label` cuts a recording into labelled windows; the other modules measure.
"""
