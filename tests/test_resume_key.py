"""The key under which finished work is found again."""

from forecast.runtime import resume_key as module
from forecast.runtime.resume_key import resume_key


def test_the_same_inputs_give_the_same_key_in_any_order_and_others_another():
    key = resume_key(model="lstm", rows=[1, 2.5, None])
    assert key == resume_key(rows=[1, 2.5, None], model="lstm")
    assert len({key, resume_key(model="gru", rows=[1, 2.5, None]), resume_key(model="lstm", rows=[1, 2, None])}) == 3
    assert len(key) == 64


def test_another_version_gives_another_key(monkeypatch):
    key = resume_key(model="lstm")
    monkeypatch.setattr(module, "package_version", lambda: "99")
    assert resume_key(model="lstm") != key
