from evolution.proposers.normal_form import normal_form

CODE = "def f(x):\n    return x + 1\n"


def test_comments_layout_and_docstrings_do_not_make_another_program():
    dressed = '"""Doc."""\n\n\ndef f(x):  # why\n    """What."""\n    return (x + 1)\n'
    assert normal_form({"a.py": dressed}) == normal_form({"a.py": CODE})


def test_another_value_another_name_or_another_file_does():
    forms = {
        normal_form(sources)
        for sources in (
            {"a.py": CODE},
            {"a.py": CODE.replace("1", "2")},
            {"a.py": CODE.replace("f(", "g(")},
            {"b.py": CODE},
            {"a.py": CODE, "b.py": ""},
        )
    }
    assert len(forms) == 5


def test_code_that_does_not_parse_is_compared_as_text():
    assert normal_form({"a.py": "def ("}) != normal_form({"a.py": "def (("})
