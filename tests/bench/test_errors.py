import pytest

from bench.errors import BenchError, UnknownNameError, unknown_name


def test_an_unknown_name_comes_with_close_ones():
    error = unknown_name("method", "clahee", ["gamma", "clahe", "msr"])
    assert str(error) == "There is no method named 'clahee': did you mean clahe?"


def test_several_close_names_are_all_suggested():
    assert str(unknown_name("method", "msrc", ["msr", "msrcr", "gamma"])).endswith("did you mean msrcr or msr?")


def test_capitals_do_not_hide_a_name_and_no_names_are_none():
    assert str(unknown_name("metric", "NIQE", ["niqe", "psnr"])).endswith("did you mean niqe?")
    assert str(unknown_name("method", "mine", ["Mine"])).endswith("did you mean Mine?")
    assert str(unknown_name("split", "x", [])).endswith("named 'x': there is none.")


def test_without_a_close_name_all_are_listed_in_order():
    assert str(unknown_name("metric", "zzz", ["niqe", "brisque"])).endswith("there are: brisque, niqe.")


def test_names_that_differ_in_case_alone_are_both_suggested():
    assert str(unknown_name("run", "FIRST", ["First", "first"])).endswith("did you mean First or first?")
    assert str(unknown_name("run", "x", [])).endswith("there is none.")


def test_an_unknown_name_is_a_key_error_whose_text_is_not_quoted():
    error = unknown_name("method", "x", ["y"])
    assert isinstance(error, KeyError)
    assert isinstance(error, BenchError)
    assert str(error)[0] == "T"  # str of a plain KeyError starts with a quotation mark


def test_membership_in_a_mapping_takes_the_error_for_absence():
    with pytest.raises(KeyError):
        raise UnknownNameError("There is none.")
    assert str(BenchError()) == ""
