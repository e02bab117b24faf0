"""Reading a finite sum's data from a file: .npz, .csv or LIBSVM's format."""

import csv
import itertools
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulators import arrays
from simulators.memory import check_room
from simulators.problems.data import checked
from theory.errors import InputError

LIBSVM = (".libsvm", ".svm", ".svmlight")
"""How the name of a file in LIBSVM's format ends."""

MISSING = ("", "?", "-", ".", "na", "n/a", "nan", "null", "none")
"""What stands for a missing value, in small letters."""


@dataclass(frozen=True)
class Table:
    """The data of a file.

    Attributes
    ----------
    A : (N, d) float64
    y : (N,) float64, -1 or 1
    label : str
        Where the labels stand in the file.
    """

    A: np.ndarray
    y: np.ndarray
    label: str


def read(path: str | Path) -> Table:
    """Read A, (N, d), and y, (N,) of -1 and 1, from a file.

    A .npz file has the arrays ``A`` and ``y``. A .csv file has a sample a line, its label last; its
    first line may be names, none of them a number. A .libsvm, .svm or .svmlight file has lines
    ``label index:value ...`` with rising indices; as in scikit-learn they count from 0 if an
    index 0 occurs in the file, else from 1. Labels are -1 and 1, or 0 and 1. Nothing may be
    missing.

    Raises
    ------
    InputError
        If the file cannot be read or does not hold this.
    """
    path = Path(path)
    name, ending = f"data = {path}", path.suffix.lower()
    if ending == ".npz":
        return _npz(path, name)
    if ending != ".csv" and ending not in LIBSVM:
        raise InputError(
            f"{name} is not a .npz, .csv or LIBSVM file (.libsvm, .svm, .svmlight): convert or "
            "rename it."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{name} is not text: save it as UTF-8.") from None
    return _csv(text, name) if ending == ".csv" else _libsvm(text, name)


def _npz(path: Path, name: str) -> Table:
    try:
        content = arrays.read(path)
    except InputError as error:
        raise InputError(f"data = {error}") from None
    missing = [wanted for wanted in ("A", "y") if wanted not in content]
    if missing:
        raise InputError(f"{name} lacks the array {missing[0]}: save A, (N, d), and y, (N,).")
    return Table(*checked(content["A"], content["y"], name), "array y")


def _csv(text: str, name: str) -> Table:
    """Read a table of numbers; `csv` counts lines as an editor does."""
    rows = _fields(text, name)
    first = next(rows, None)
    if first is None:
        raise InputError(f"{name} is empty: give a sample a line, with commas, its label last.")
    number, fields = first
    width, names = len(fields), None
    if not any(map(_is_number, fields)):
        names = fields
        for column, field in enumerate(fields, 1):
            if field in ("", "?") or all(other.lower() in MISSING for other in fields):
                raise InputError(
                    f"{name}, line {number}: column {column} is {field!r}, neither a number nor a "
                    "name: fill it in, or drop the line."
                )
    else:
        rows = itertools.chain([first], rows)
    numbers, lines = array("d"), []
    for line, fields in rows:
        if len(fields) != width:
            raise InputError(
                f"{name}: line {line} has {len(fields)} fields, line {number} has {width}: give "
                "every line as many, separated by commas."
            )
        numbers.extend(_numbers(fields, f"{name}, line {line}"))
        lines.append(line)
    if not lines or width < 2:
        raise InputError(
            f"{name} has {len(lines)} samples of {width} fields: give at least one sample a line, "
            "with commas, its label last."
        )
    table = np.array(numbers).reshape(-1, width)
    label = f"column {width}" + (f", {names[-1]!r}" if names else "")
    return Table(*checked(table[:, :-1], table[:, -1], name, lines), label)


def _fields(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each line that is not blank: its number and its fields."""
    reader = csv.reader(text.split("\n"), strict=True, skipinitialspace=True)
    try:
        for fields in reader:
            fields = [field.strip() for field in fields]
            if any(fields) or len(fields) > 1:
                yield reader.line_num, fields
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}: {error}. Mend the line.") from None


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field


def _numbers(fields: list[str], where: str) -> list[float]:
    try:
        numbers = list(map(float, fields))
        if math.isfinite(sum(numbers)) and "_" not in "".join(fields):
            return numbers
    except ValueError:
        pass
    for column, field in enumerate(fields, 1):
        if field.lower() in MISSING:
            raise InputError(
                f"{where}: column {column} is {field!r}, a missing value: fill it in, or drop the "
                "line."
            )
        if not _is_number(field):
            raise InputError(
                f"{where}: column {column} is {field!r}, which is not a number (in a line of names "
                "no field is one): give numbers, separated by commas."
            )
    return list(map(float, fields))


def _libsvm(text: str, name: str) -> Table:
    """Read ``label index:value ...``; what follows # is a comment."""
    labels, lines = array("d"), []
    rows, columns, values = array("q"), array("q"), array("d")
    for number, line in enumerate(text.split("\n"), 1):
        label, *pairs = line.partition("#")[0].split() or [""]
        if not label:
            continue
        where = f"{name}, line {number}"
        if not _is_number(label):
            raise InputError(
                f"{where}: {label!r} is not a label: begin with one number, -1 or 1, then "
                "index:value."
            )
        before = -1
        for pair in pairs:
            index, value = _pair(pair, where)
            if index <= before:
                raise InputError(
                    f"{where}: index {index} follows {before}: sort a line's indices, each once."
                )
            before = index
            rows.append(len(labels))
            columns.append(index)
            values.append(value)
        labels.append(float(label))
        lines.append(number)
    if not values:
        raise InputError(f"{name} has no index:value: give a sample a line, its label first.")
    base = 0 if 0 in columns else 1
    shape = len(labels), max(columns) + 1 - base
    check_room(8 * math.prod(shape), f"{name} of N = {shape[0]} and d = {shape[1]}", "lower d or N")
    A = np.zeros(shape)
    A[np.array(rows), np.array(columns) - base] = values
    label = f"first on each line; indices count from {base}"
    return Table(*checked(A, np.array(labels), name, lines), label)


def _pair(pair: str, where: str) -> tuple[int, float]:
    index, _, value = pair.partition(":")
    if not (index.isascii() and index.isdigit() and _is_number(value)) or len(index) > 9:
        raise InputError(
            f"{where}: {pair!r} is not index:value, a whole number of up to 9 digits and a number."
        )
    if value.lower() in MISSING or not math.isfinite(float(value)):
        raise InputError(f"{where}: {pair!r} is not finite: give a number, or drop the line.")
    return int(index), float(value)
