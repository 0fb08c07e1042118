"""Where a user's own edits lie: where the library that other programs use would put them."""

import platformdirs

from backend.assets import user_data_folder


def test_the_users_folder_is_the_systems(monkeypatch, tmp_path):
    assert user_data_folder() == platformdirs.user_data_path("placid")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_data_folder() == platformdirs.user_data_path("placid")
