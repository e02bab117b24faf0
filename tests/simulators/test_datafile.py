"""Data from files: what is read, and what is refused with its place in the file."""

import numpy as np
import pytest

from simulators import FiniteSum, memory
from simulators.problems import data as datasets
from simulators.problems import reading
from simulators.problems.datafile import read
from theory import InputError


def written(folder, name, text):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(folder, name, text):
    """Return the message with which a file is refused."""
    with pytest.raises(InputError) as caught:
        read(written(folder, name, text))
    message = str(caught.value)
    assert message.startswith(f"data = {folder / name}")
    return message.removeprefix(f"data = {folder / name}")


def test_every_format_gives_the_same_problem(tmp_path):
    A, y = datasets.synthetic(20, 3, 1, 1.0, 1.0, 0.1)
    rows = [",".join(map(repr, row)) for row in np.column_stack([A, y]).tolist()]
    pairs = [" ".join(f"{j}:{a!r}" for j, a in enumerate(row, 1)) for row in A.tolist()]
    np.savez(tmp_path / "data.npz", A=A, y=y)
    np.savez_compressed(tmp_path / "zeros.NPZ.npz", A=A, y=(y > 0).astype(int)[:, None])
    (tmp_path / "zeros.NPZ.npz").rename(tmp_path / "zeros.NPZ")
    written(tmp_path, "data.csv", "\n".join(rows) + "\n")
    written(tmp_path, "named.CSV", "\ufeff" + "\r\n".join(["u,v,w,label", *rows]))
    written(tmp_path, "quoted.csv", "\n\n".join(['"u, in m", "v",w,""""', *rows]))
    for base, name in ((1, "one.libsvm"), (1, "two.SVM"), (1, "three.svmlight")):
        lines = [f"{label:+g} {pair} # {base}" for label, pair in zip(y, pairs, strict=True)]
        written(tmp_path, name, "# made by hand\n\n" + "\n".join(lines))
    expected = FiniteSum(A, y, alpha=0.1, start=1.0)
    for path in tmp_path.iterdir():
        problem = FiniteSum.from_file(path, alpha=0.1, start=1.0)
        assert np.array_equal(problem.C, expected.C), path
        assert problem.spec == expected.spec
    found = expected.spec["sha256"]
    assert found == datasets.digest(A, y)
    assert FiniteSum.from_file(tmp_path / "data.csv", alpha=0.1, sha256=found).N == 20
    with pytest.raises(InputError, match="these are other data"):
        FiniteSum.from_file(tmp_path / "data.csv", alpha=0.1, sha256="0" * 64)


def test_one_changed_number_or_label_is_another_problem():
    A, y = datasets.synthetic(20, 3, 1, 1.0, 1.0, 0.1)
    B, z = A.copy(), y.copy()
    B[4, 1] = np.nextafter(B[4, 1], 1)
    z[3] *= -1
    specs = [FiniteSum(*pair, alpha=0.1).spec["sha256"] for pair in ((A, y), (B, y), (A, z))]
    assert len(set(specs)) == 3


# The first line.


@pytest.mark.parametrize("missing", ["NA", "", "?", "nan", "NaN", "N/A", "null", "None", "-", "."])
@pytest.mark.parametrize("row", [0, 2])
@pytest.mark.parametrize("names", [False, True])
def test_a_missing_value_is_refused_in_every_row_with_its_line(tmp_path, missing, row, names):
    rows = [["1", "2", "1"], ["3", "4", "0"], ["5", "6", "0"]]
    rows[row][1] = missing
    lines = (["u,v,label"] if names else []) + [",".join(fields) for fields in rows]
    said = refused(tmp_path, "data.csv", "\n".join(lines))
    assert said.startswith(f", line {row + 1 + names}: column 2 is {missing!r}, a missing value")


def test_a_missing_label_is_refused_in_the_first_row_too(tmp_path):
    said = refused(tmp_path, "data.csv", "1,2,NA\n3,4,1\n")
    assert said.startswith(", line 1: column 3 is 'NA', a missing value")


@pytest.mark.parametrize("first", ["x1,x2,y", "Na,Mg,y", "# u,v,w", "1st,2 m,y"])
def test_a_first_line_without_a_number_is_names(tmp_path, first):
    table = read(written(tmp_path, "data.csv", f"{first}\n1,2,1\n3,4,0\n"))
    assert table.A.tolist() == [[1, 2], [3, 4]]
    assert table.label == f"column 3, {first.split(',')[-1]!r}"


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("x1,x2,2020", ", line 1: column 1 is 'x1', which is not a number"),
        ("x1,1e3,y", ", line 1: column 1 is 'x1', which is not a number"),
        ("inf,x2,y", ", line 1: column 2 is 'x2', which is not a number"),
        ("x1,y", ": line 2 has 3 fields, line 1 has 2"),
        ("a,b,c,y", ": line 2 has 3 fields, line 1 has 4"),
        (",x1,y", ", line 1: column 1 is '', neither a number nor a name"),
        ("x1,?,y", ", line 1: column 2 is '?', neither a number nor a name"),
        ("NA,nan,?", ", line 1: column 1 is 'NA', a missing value"),  # nan is a number to Python
        ("NA,null,none", ", line 1: column 1 is 'NA', neither a number nor a name"),
        (",,", ", line 1: column 1 is '', neither a number nor a name"),
    ],
)
def test_a_first_line_that_is_neither_names_nor_numbers_is_refused(tmp_path, first, said):
    assert refused(tmp_path, "data.csv", f"{first}\n1,2,1\n3,4,0\n").startswith(said)


def test_only_the_first_line_may_be_names(tmp_path):
    said = refused(tmp_path, "data.csv", "x1,x2,y\n1,2,1\nx1,x2,y\n3,4,0\n")
    assert said.startswith(", line 3: column 1 is 'x1', which is not a number")


# Refusals.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("1,2,1\n\n1,x,1\n", "line 3: column 2 is 'x', which is not a number"),
        ("1,2,1\r\n\r\n1,1\r\n", "line 3 has 2 fields, line 1 has 3"),
        ("1\n-1\n", "2 samples of 1 fields: give at least one sample a line"),
        ("u,v,label\n", "0 samples of 3 fields: give at least one sample a line"),
        ("1;2;1\n3;4;0\n", "separated by commas"),
        ("u,v,y\n\n1,2,1\n1,2,7\n", "label of line 4 is 7; give -1 and 1"),
        ("1,2,1\n1,inf,1\n", "feature 1 of line 2 is inf; give finite numbers"),
        ("1,2,1\n\n1,-1e101,1\n", r"feature 1 of line 3 is -1e+101; give finite numbers up to"),
        ("1,2,1\n1,1_0,1\n", "line 2: column 2 is '1_0', which is not a number"),
        ("0,0,1\n0,0,-1\n", "every feature is 0"),
        ('1,2,1\n1,"2,1\n', "line 3: unexpected end of data"),
        (b"\xff\xfe\x00,", "is not text: save it as UTF-8"),
    ],
)
def test_a_malformed_csv_is_refused_with_the_line_that_an_editor_counts(tmp_path, text, said):
    assert said in refused(tmp_path, "data.csv", text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no index:value"),
        ("1\n-1\n", "has no index:value"),
        ("1 1:2\n\n1:2 2:3\n", "line 3: '1:2' is not a label"),
        ("1,0 1:2\n", "line 1: '1,0' is not a label"),
        ("1 1:2\n2 1:3\n", "label of line 2 is 2; give -1 and 1"),
        ("1 1:2 qid:3\n", "line 1: 'qid:3' is not index:value"),
        ("1 1:2 -1:3\n", "line 1: '-1:3' is not index:value"),
        ("1 1 2\n", "line 1: '1' is not index:value"),
        ("1 1:\n", "line 1: '1:' is not index:value"),
        ("1 1:2\n0 1:nan\n", "line 2: '1:nan' is not finite"),
        ("1 2:2 1:3\n", "line 1: index 1 follows 2: sort"),
        ("1 2:2 2:3\n", "line 1: index 2 follows 2: sort"),
        ("1 1:2\n1 1234567890:3\n", "line 2: '1234567890:3' is not index:value"),
    ],
)
def test_a_malformed_libsvm_file_is_refused_with_its_line(tmp_path, text, said):
    assert said in refused(tmp_path, "data.svm", text)


def test_libsvm_indices_count_from_0_only_where_a_0_occurs(tmp_path):
    from_1 = read(written(tmp_path, "one.svm", "1 1:5 3:7\n-1\n-1 2:4\n"))
    assert from_1.A.tolist() == [[5, 0, 7], [0, 0, 0], [0, 4, 0]]
    assert from_1.y.tolist() == [1, -1, -1]
    from_0 = read(written(tmp_path, "zero.svm", "1 1:5 3:7\n-1\n-1 0:4\n"))
    assert from_0.A.tolist() == [[0, 5, 0, 7], [0, 0, 0, 0], [4, 0, 0, 0]]
    assert (from_1.label[-1], from_0.label[-1]) == ("1", "0")


def test_a_sparse_file_too_large_as_a_table_is_refused_before_it_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 8 * 2000 - 1)
    said = refused(tmp_path, "data.svm", "1 1:5\n-1 1000:7\n")
    assert "N = 2 and d = 1000 needs about 16 kB of memory, and 16 kB are free" in said
    monkeypatch.setattr(memory, "available", lambda: 8 * 2000)
    assert read(tmp_path / "data.svm").A.shape == (2, 1000)


BAD_NPZ = {
    "lacks the array A": {"X": np.ones((2, 2)), "y": np.ones(2)},
    "lacks the array y": {"A": np.ones((2, 2))},
    r"A has the shape \(2,\)": {"A": np.ones(2), "y": np.ones(2)},
    r"A has the shape \(0, 2\)": {"A": np.ones((0, 2)), "y": np.ones(0)},
    r"y has the shape \(3,\)": {"A": np.ones((2, 2)), "y": np.ones(3)},
    "must be arrays of numbers": {"A": np.array([["a", "b"]]), "y": np.ones(1)},
    "arrays of numbers": {"A": np.ones((1, 2), dtype=complex), "y": np.ones(1)},
    "A and y must be arrays": {"A": np.array([["2024"]], dtype="M8[D]"), "y": np.ones(1)},
    "label of sample 1 is 0.5": {"A": np.ones((2, 2)), "y": np.array([1, 0.5])},
    "feature 0 of sample 1 is 1e[+]200": {"A": np.array([[1], [1e200]]), "y": np.ones(2)},
    "feature 0 of sample 0 is inf": {"A": np.full((1, 1), np.longdouble("1e400")), "y": np.ones(1)},
    r"not a \.npz file of plain arrays": {"A": np.array([[None]]), "y": np.ones(1)},
}


@pytest.mark.parametrize("message", BAD_NPZ)
def test_a_malformed_npz_is_an_input_error(tmp_path, message):
    path = tmp_path / "data.npz"
    np.savez(path, **BAD_NPZ[message])
    with pytest.raises(InputError, match=f"data = .*data.npz.*{message}"):
        FiniteSum.from_file(path, alpha=0.1)


def test_a_lone_array_named_npz_and_a_damaged_zip_are_refused_by_name(tmp_path):
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.ones((3, 2)))
    with pytest.raises(InputError, match=r"data = .*array\.npz holds one array.*numpy\.savez"):
        read(tmp_path / "array.npz")
    np.savez(tmp_path / "data.npz", A=np.ones((3, 2)), y=np.ones(3))
    content = bytearray((tmp_path / "data.npz").read_bytes())
    content[content.index(np.ones(2).tobytes()) + 7] ^= 1
    with pytest.raises(InputError, match=r"data = .*flipped\.npz .*damaged .*CRC"):
        read(written(tmp_path, "flipped.npz", bytes(content)))


@pytest.mark.parametrize(
    ("name", "said"),
    [("data.txt", "is not a .npz, .csv or LIBSVM file"), ("a9a", "convert or rename it")],
)
def test_a_file_of_another_kind_is_refused_with_what_is_read(tmp_path, name, said):
    assert said in refused(tmp_path, name, "1,1")


@pytest.mark.parametrize("name", ["missing.npz", "missing.csv", "missing.svm"])
def test_a_file_that_is_not_there_is_an_input_error(tmp_path, name):
    with pytest.raises(InputError, match=f"{name} cannot be read: No such file"):
        read(tmp_path / name)


def test_a_problem_from_a_file_knows_what_it_was_read_as(tmp_path):
    path = written(tmp_path, "data.csv", "u,v,grade\n-1,2,1\n3,40,0\n5,6,0\n")
    assert FiniteSum.from_file(path, alpha=0.1).read_from == {
        "file": str(path), "N": 3, "d": 2, "label": "column 3, 'grade'", "positive": 1,
        "features": [-1.0, 40.0],
    }  # fmt: skip
    assert FiniteSum([[1.0]], [1], alpha=0.1).read_from is None


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_custom_problems_missing_value_is_refused_with_its_row(value):
    data = np.ones((5, 2)), np.array([1.0, 2.0, 3.0, value, value])
    with pytest.raises(InputError, match=rf"data\[1\] has {value:g} in row 3: give finite numbers"):
        reading.tensors(data)
