"""Whatever is written as a condition reaches the columns of its table and nothing else."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from adapters.errors import AdapterError, BadUserInput, Timeout, TooComplex
from adapters.instant import from_text
from adapters.question import Bind, Order, Where
from gateway.results.engine import Engine
from gateway.results.statement import Statement
from tests.results.frozen import Frozen

ATTACKS = [
    "read_csv('/etc/passwd') = 1",
    "(SELECT 1) = 1",
    "visit IN (SELECT visit FROM t)",
    "EXISTS (SELECT 1)",
    "visit = 1; DROP TABLE t",
    "visit = 1;",
    "1=1 UNION SELECT 1",
    "visit = 1 -- and more",
    "visit = 1 --",
    "visit = 1 /* more */",
    "/* */ visit = 1",
    "COPY t TO '/tmp/x'",
    "PRAGMA database_list",
    "ATTACH '/tmp/x' AS y",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '1TB'",
    "CALL duckdb_settings()",
    "getenv('HOME') = 'x'",
    "visit = getenv('HOME')",
    "current_setting('memory_limit') = 'x'",
    "row_number() OVER () = 1",
    "sum(visit) > 1",
    "visit::VARCHAR = 'x'",
    "CAST(visit AS VARCHAR) = 'x'",
    "TRY_CAST(visit AS INT) = 1",
    "visit COLLATE nocase = 1",
    "t.visit = 1",
    "main.t.visit = 1",
    "place = 1",
    "c0 = 1",
    "file_row_number = 1",
    "rowid = 1",
    "'/etc/passwd' = band.x",
    'band = "/etc/passwd"',
    "\"read_csv\"('/etc/passwd') = 1",
    'visit = 1 OR "',
    "visit = $1",
    "visit = ?",
    "band = $$r$$",
    "band = $tag$r$tag$",
    "band = E'r'",
    "band = e'\\x27'",
    "band = U&'\\0027'",
    'band = U&"d\\0061t\\+000061"',
    "band = x'27'",
    "band = 'r",
    "band = 'r'' OR 1=1",
    "band = 'r\\' OR 1=1 --'",
    "visit = 1\0",
    "\0",
    "visit\u00a0= 1",
    "visit \uff1d 1",
    "\uff56isit = 1",
    "v\u0131sit = 1",
    "visit = \u0661",
    "visit = 1 \u037e DROP TABLE t",
    "visit = 0x1",
    "visit = 1_000",
    "visit = 1e999",
    "visit = 99999999999999999999999",
    "visit = NULL",
    "visit IN (NULL)",
    "visit IN ()",
    "visit IN (visit)",
    "visit IN (1 + 1)",
    "visit IN (:nobody)",
    "visit = :nobody",
    "visit == 1",
    "visit => 1",
    "visit =",
    "= 1",
    "visit",
    "'x'",
    "1",
    "(",
    ")",
    "()",
    "visit NOT 1",
    "visit IS 1",
    "visit IS NOT DISTINCT FROM 1",
    "visit = 1 AND",
    "AND",
    "NOT",
    "visit = ANY (1)",
    "visit = [1]",
    "visit = {'a': 1}",
    "visit[1] = 1",
    "band = 'r' || 'i'",
    "band ~ '.*'",
    "band SIMILAR TO 'r'",
    "band GLOB 'r'",
    "band LIKE band",
    "band LIKE 'a' ESCAPE 'ab'",
    "band LIKE 'a!x' ESCAPE '!'",
    "CASE WHEN 1=1 THEN 1 END = 1",
    "INTERVAL 1 DAY = 1",
    "DATE '2020-01-01' = begin",
    "begin = 'yesterday'",
    "begin = 5",
    "begin IN (5)",
    "visit IN ('1970-01-01T00:00:00Z')",
    "band IN (1)",
    "good IN (1)",
    "visit = 'r'",
    "band = 1",
    "band + 1 = 2",
    "-band = 'r'",
    "abs(band) = 1",
    "lower(visit) = 'x'",
    "abs(visit, visit) = 1",
    "abs() = 1",
    "good = 1",
    "good AND visit",
    "NOT visit",
    "visit = 1 = 1",
    "*",
    "visit = *",
    "count(*) = 1",
    "COLUMNS('.*') = 1",
    "columns(*) = 1",
    "unnest([1]) = 1",
    "x -> x + 1",
    # table functions, and what reads a file without one
    "read_parquet('/etc/passwd') = 1",
    "parquet_scan('t.parquet') = 1",
    "parquet_metadata('t.parquet') = 1",
    "read_json_auto('/etc/passwd') = 1",
    "read_text('/etc/passwd') = 'x'",
    "read_blob('/etc/passwd') = 'x'",
    "sniff_csv('/etc/passwd') = 1",
    "glob('/etc/*') = 'x'",
    "glob(band) = 'x'",
    "query('SELECT 1') = 1",
    "query_table('t') = 1",
    "duckdb_settings() = 1",
    "pragma_database_list() = 1",
    "range(1000000000) = 1",
    "repeat(band, 1000000000) = 'x'",
    "nextval('s') = 1",
    "visit IN '/etc/passwd'",
    "visit IN (FROM '/etc/passwd')",
    "FROM '/etc/passwd'",
    "FROM t",
    "TABLE t",
    "visit = (TABLE t)",
    # statements, and clauses behind a condition
    "EXPORT DATABASE '/tmp/x'",
    "IMPORT DATABASE '/tmp/x'",
    "CREATE MACRO abs(x) AS 1",
    "CREATE TABLE x AS SELECT 1",
    "DELETE FROM t",
    "DETACH memory",
    "USE memory",
    "EXPLAIN ANALYZE SELECT 1",
    "PREPARE x AS SELECT 1",
    "EXECUTE x",
    "CHECKPOINT",
    "VALUES (1)",
    "WITH x AS (SELECT 1) SELECT 1",
    "visit = 1 LIMIT 1",
    "visit = 1 ORDER BY visit",
    "visit = 1 GROUP BY ALL",
    "visit = 1 QUALIFY true",
    "visit = 1 UNION ALL BY NAME FROM t",
    "visit = 1 INTO x",
    "visit = 1) OR (1 = 1",
    "visit = 1) UNION (SELECT 1",
    "((((SELECT visit FROM (SELECT visit FROM t)))) = 1",
    "NOT EXISTS (FROM t)",
    "visit = ALL (SELECT 1)",
    "(visit, band) = (1, 'r')",
    "ROW(1) = 1",
    "visit = DEFAULT",
    "CURRENT_USER = 'x'",
    "current_database() = 'x'",
    "now() > begin",
    "random() < 1",
    "version() = 'x'",
    "hash(visit) = 1",
    "list_transform([1], x -> 1) = 1",
    "printf('%s', band) = 'r'",
    "band.lower() = 'r'",
    "abs.x(visit) = 1",
    "main.abs(visit) = 1",
    '"abs" (SELECT 1) = 1',
    # comments, quotes, and letters that look like others
    "visit = 1 # more",
    "visit = 1 /*! OR 1=1 */",
    "vis/**/it = 1",
    "visit --\n = 1",
    "band = 'r' --' OR 1=1",
    "band = \u2018r\u2019",
    "band = \uff07r\uff07",
    "band = `r`",
    "`visit` = 1",
    "[visit] = 1",
    "vis\u200bit = 1",
    "\u202evisit = 1",
    "visit\u0301 = 1",
    "visit = 1 \uff2f\uff32 1 = 1",
    "\uff33\uff25\uff2c\uff25\uff23\uff34 1",
    "visit\u2003=\u20031",
    "visit\x0b= 1",
    "visit = 1\x0c",
    "visit = \u00b2",
    "visit = 1\ud800",
    '"vis\u0131t" = 1',
    '"" = 1',
    '"visit""" = 1',
    '"visit\0" = 1',
]
TYPES = pa.schema(
    [
        ("visit", pa.int64()),
        ("band", pa.string()),
        ("good", pa.bool_()),
        ("begin", pa.timestamp("us", tz="UTC")),
        ("group_name", pa.string()),
    ]
)
ROWS = [
    {"visit": n, "band": "ri"[n % 2], "good": n % 3 == 0, "begin": n * 1_000_000, "group_name": "a" * 2000}
    for n in range(100)
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    return Frozen(tmp_path_factory.mktemp("table") / "t.parquet", pa.Table.from_pylist(ROWS, TYPES))


def refused(table: Frozen, where: str, *binds: Bind) -> AdapterError:
    with pytest.raises((BadUserInput, TooComplex)) as raised:
        Statement(table.columns).places(Where(where, binds), (), 10, None)
    return raised.value


@pytest.mark.parametrize("where", ATTACKS)
def test_what_is_no_condition_is_refused_before_anything_runs(table: Frozen, where: str) -> None:
    error = refused(table, where)
    assert isinstance(error, BadUserInput)
    assert 1 <= error.details["position"] <= len(where) + 1
    assert "The columns are" in error.message or "A condition is made of" in error.message


def test_mixed_up_conditions_are_refused_or_answered_and_nothing_else(table: Frozen) -> None:
    """Pieces of SQL thrown together: no other error, and never a word of the client in the statement."""
    dice = random.Random(11)
    pieces = [piece for attack in ATTACKS for piece in attack.split(" ")] + ["visit", "=", "1", "canary_word"]
    answered = 0
    for _ in range(3000):
        text = " ".join(dice.choice(pieces) for _ in range(dice.randint(1, 9)))
        statement = Statement(table.columns)
        try:
            made = statement.places(Where(text), (), 10, None)
        except (BadUserInput, TooComplex):
            continue
        answered += 1
        assert "canary_word" not in made and "visit" not in made and "'" not in made.replace("'s'", "")
    assert answered > 5


def test_no_word_of_a_client_is_in_a_statement(table: Frozen) -> None:
    statement = Statement(table.columns)
    where = "band LIKE 'canary%' AND group_name IN ('canary', :b) AND NOT band = 'canary' AND begin < '2026-01-01T00:00:00Z'"
    text = statement.places(Where(where, (Bind("b", "string", "canary"),)), (Order("band"),), 5, 7)
    assert "canary" not in text and "2026" not in text and "band" not in text
    assert not set(text) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.,:()[]<>=' ")
    assert table.ask(statement, text) == []


@pytest.mark.parametrize(
    "name", [*ATTACKS[:40], 'visit" DESC; DROP TABLE t', "visit DESC", "c0", "place", "VISIT", "visit ", ""]
)
def test_an_order_and_facets_take_names_of_columns_and_nothing_else(table: Frozen, name: str) -> None:
    with pytest.raises(BadUserInput, match="The columns are"):
        Statement(table.columns).places(None, (Order(name),), 10, None)
    with pytest.raises(BadUserInput, match="The columns are"):
        Statement(table.columns).facets(None, (name,), 10)


@pytest.mark.parametrize(
    "value", [*ATTACKS[:30], "'; DROP TABLE t; --", "$1", "\0", "%", "\N{GRINNING FACE}"]
)
def test_what_is_bound_is_a_value_whatever_it_says(table: Frozen, value: str) -> None:
    assert table.places("band = :b", [Bind("b", "string", value)]) == []
    assert table.count("band IN :b", [Bind("b", "strings", (value, "r"))]) == 50


def test_the_database_itself_opens_that_one_file_and_nothing_else(table: Frozen, tmp_path: Path) -> None:
    """Behind the grammar there is a second wall."""
    (tmp_path / "other.csv").write_text("secret\n1\n")
    statements = [
        f"SELECT * FROM read_csv('{tmp_path}/other.csv')",
        f"SELECT * FROM '{tmp_path}/other.csv'",
        f"SELECT * FROM read_text('{tmp_path}/other.csv')",
        f"SELECT * FROM glob('{tmp_path}/*')",
        f"SELECT * FROM read_blob('{tmp_path}/other.csv')",
        f"SELECT * FROM read_parquet('{tmp_path}/other.csv')",
        f"SELECT * FROM read_parquet(['{table.path}', '{tmp_path}/other.csv'])",
        f"SELECT * FROM sniff_csv('{tmp_path}/other.csv')",
        f"SELECT * FROM query('FROM read_csv(''{tmp_path}/other.csv'')')",
        f"WITH x AS (SELECT * FROM (SELECT * FROM '{tmp_path}/other.csv')) SELECT * FROM x",
        f"SELECT * FROM '{table.path}/../other.csv'",
        f"IMPORT DATABASE '{tmp_path}'",
        f"LOAD '{tmp_path}/other.csv'",
        f"PRAGMA temp_directory='{tmp_path}'",
        f"SET allowed_paths = ['{tmp_path}/other.csv']",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/out.db'",
        f"EXPORT DATABASE '{tmp_path}/out'",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "RESET lock_configuration",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CREATE SECRET (TYPE s3)",
        "CREATE PERSISTENT SECRET x (TYPE s3)",
        "SELECT getenv('HOME')",
        "SELECT * FROM ROWS",
        "SELECT * FROM table",
        f"SELECT * FROM '{table.path}x'",
    ]
    with Engine(256)._opened(table.path, table.columns) as database:
        assert database.execute("SELECT count(*) FROM t").fetchall() == [(len(ROWS),)]
        for text in statements:
            with pytest.raises(duckdb.Error):
                database.execute(text).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.csv"]


@pytest.mark.parametrize(
    "text",
    [
        "COPY (SELECT 5) TO '{path}' (FORMAT parquet, USE_TMP_FILE false)",
        "COPY (SELECT 5) TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
        "SELECT 1; COPY (SELECT 5) TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
        "EXPLAIN ANALYZE COPY (SELECT 5) TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
        "CREATE MACRO abs(x) AS 1",
        "CREATE TABLE t2 AS SELECT 1",
        "DROP VIEW t",
        "PRAGMA database_list",
        "CALL duckdb_settings()",
        "PREPARE x AS SELECT 1",
        "ATTACH ':memory:' AS y",
        "",
        "--",
    ],
)
def test_what_does_not_only_read_is_not_run(table: Frozen, text: str) -> None:
    before = table.path.read_bytes()
    with pytest.raises(ValueError):
        table.ask(Statement(table.columns), text.replace("{path}", str(table.path)))
    assert table.path.read_bytes() == before


def test_names_in_quotes_and_words_in_any_case_are_understood(table: Frozen) -> None:
    assert table.places('"visit" = 3 aNd "good" Or visit = 1') == [1, 3]
    assert table.places("visit=-1 or visit=0") == [0]
    assert table.places("not not visit between 2 and 3") == [2, 3]
    assert table.places("band = 'r' and visit in :v", [Bind("v", "longs", (1, 2, 4))]) == [2, 4]
    assert table.places("visit in :v", [Bind("v", "longs", ())]) == []
    assert table.count("visit not in :v", [Bind("v", "longs", ())]) == 100
    assert table.places("band in (:a, 'x') and visit < 2", [Bind("a", "string", "r")]) == [0]
    assert table.places("begin = :t", [Bind("t", "time", from_text("1970-01-01T00:00:05Z"))]) == [5]
    assert table.places(
        "begin IN ('1970-01-01T00:00:05Z', :t)", [Bind("t", "time", from_text("1970-01-01T00:00:07Z"))]
    ) == [5, 7]


def test_the_position_is_where_the_mistake_is(table: Frozen) -> None:
    for where, position in [
        ("visit = 1 AND vist = 2", 15),
        ("visit = 1 ; x", 11),
        ("visit = 'r'", 7),
        ("visit =", 8),
    ]:
        assert refused(table, where).details["position"] == position, where


def test_an_instant_is_not_compared_with_a_column_of_strings(table: Frozen) -> None:
    assert "an instant cannot be compared with a column of strings" in refused(table, "begin = band").message


def test_text_without_its_quotes_is_told_apart(table: Frozen) -> None:
    assert "single quotes: 'r'" in refused(table, "band = r").message


def test_unknown_columns_are_told_with_the_nearest(table: Frozen) -> None:
    error = refused(table, "vist = 1")
    assert error.details["nearest"] == ["visit"]
    assert "did you mean 'visit'?" in error.message
    with pytest.raises(BadUserInput, match="orderBy: Unknown column 'bund'; did you mean 'band'"):
        table.places(None, (), [Order("bund")])
    with pytest.raises(BadUserInput, match="facets: Unknown column"):
        table.facets(["nope"])


def test_binds_that_do_not_fit_are_refused(table: Frozen) -> None:
    assert "does not use it" in refused(table, "visit = 1", Bind("x", "long", 1)).message
    assert "a list stands behind IN only" in refused(table, "visit = :x", Bind("x", "longs", (1,))).message
    assert "cannot be compared" in refused(table, "visit = :x", Bind("x", "string", "1")).message
    assert "cannot be compared" in refused(table, "visit in :x", Bind("x", "strings", ("1",))).message
    assert "cannot be compared" in refused(table, "visit = :x", Bind("x", "region", "CIRCLE 1 2 3")).message


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("visit = 1 OR " * 10_000 + "visit = 1", "characters"),
        ("(" * 41 + "visit = 1" + ")" * 41, "nesting"),
        ("NOT " * 60 + "good", "nesting"),
        ("visit = " + "- " * 60 + "1", "nesting"),
        ("abs(" * 60 + "visit" + ")" * 60 + " = 1", "nesting"),
        ("(" * 4_000, "nesting"),
        ("visit" + " + 1" * 401 + " > 0", "signs"),
        ("visit=1 or " * 1_600 + "good", "words"),
        ("band LIKE '" + "%a" * 600 + "'", "pattern"),
    ],
)
def test_what_is_too_large_is_refused_with_the_limit(table: Frozen, where: str, what: str) -> None:
    began = time.monotonic()
    error = refused(table, where)
    assert isinstance(error, TooComplex)
    assert error.details["what"] == what and error.details["actual"] > error.details["limit"]
    assert time.monotonic() - began < 1


def nested(inner: str, outer: str, levels: int) -> str:
    """A condition in itself, so many levels deep."""
    for _ in range(levels):
        inner = outer.replace("{}", inner)
    return inner


@pytest.mark.parametrize(
    ("inner", "outer", "condition"),
    [
        ("good", "({} = (visit BETWEEN 1 AND 50))", "{}"),
        ("good", "({} IS NULL)", "{}"),
        ("good", "({} IN (TRUE, FALSE))", "{}"),
        ("good", "NOT {}", "{}"),
        ("(good OR good)", "(good AND {} OR good)", "{}"),
        ("visit", "(visit / {})", "{} > 1"),
        ("visit", "(visit % {})", "{} > 1"),
        ("visit", "(abs({}) + visit)", "{} BETWEEN visit AND visit / visit"),
        ("visit", "ceil({})", "{} > 1"),
        ("visit", "(- {})", "{} IN (1, 0.5)"),
    ],
)
def test_a_condition_deep_in_itself_is_as_long_for_the_database_as_it_is(
    table: Frozen, inner: str, outer: str, condition: str
) -> None:
    made = {}
    for levels in (9, 18):
        text = condition.replace("{}", nested(inner, outer, levels))
        statement = Statement(table.columns)
        made[levels] = len(statement.count(Where(text)))
        assert made[levels] < 10 * len(text) + 500
        began = time.monotonic()
        table.count(text)
        assert time.monotonic() - began < 20
    assert made[18] < 2 * made[9] + 100


def test_what_would_be_written_twice_holds_nothing_that_is(table: Frozen) -> None:
    """Truth values between truth values once doubled the statement at each level: 360 characters were gigabytes of it."""
    for levels in (1, 5, 38):
        began = time.monotonic()
        error = refused(table, nested("visit = 1", "({}) BETWEEN FALSE AND TRUE", levels))
        assert "BETWEEN takes numbers, strings or instants" in error.message
        assert time.monotonic() - began < 5
    assert "cannot be compared" in refused(table, "visit BETWEEN good AND good").message


@pytest.mark.parametrize(
    ("where", "binds"),
    [
        ("visit IN :v OR visit IN :v", [Bind("v", "longs", tuple(range(50_001)))]),
        ("visit IN :v OR visit IN :w", [Bind(name, "longs", tuple(range(50_001))) for name in "vw"]),
        (" OR ".join(["visit IN :v"] * 1_000), [Bind("v", "longs", tuple(range(100_000)))]),
        ("visit IN :v OR visit = 1", [Bind("v", "longs", tuple(range(100_000)))]),
        ("visit IN (:v, 1)", [Bind("v", "longs", tuple(range(100_000)))]),
        (" OR ".join(["band = :b"] * 200), [Bind("b", "string", "x" * 100_000)]),
        (" OR ".join(["band IN :b"] * 200), [Bind("b", "strings", ("x" * 50_000, "y" * 50_000))]),
    ],
)
def test_values_are_counted_as_often_as_they_are_used(table: Frozen, where: str, binds: list[Bind]) -> None:
    began = time.monotonic()
    error = refused(table, where, *binds)
    assert isinstance(error, TooComplex)
    assert error.details["what"] == "values" and error.details["actual"] > error.details["limit"] == 100_000
    assert "over all lists together" in error.message and "as often as it is used" in error.message
    assert time.monotonic() - began < 5


def test_whole_numbers_are_told_apart_however_large(tmp_path: Path) -> None:
    """Doubles do not tell 2^53 and the number after it apart."""
    numbers = [2**53, 2**53 + 1, 2, None, -(2**53) - 1]
    columns = {"n": pa.array(numbers, pa.int64()), "x": pa.array([0.5, 2.5, 1.0, None, 0.5])}
    table = Frozen(tmp_path / "t.parquet", pa.table(columns))
    for where in (
        "n IN (9007199254740993)",
        "n IN (9007199254740993, 0.5)",
        "n IN (0.5, :n)",
        "n NOT IN (9007199254740992, 0.5, 2, -9007199254740993)",
        "ceil(n) = 9007199254740993",
        "floor(n) = 9007199254740993",
        "round(n) = 9007199254740993",
        "floor(abs(n - 0)) = 9007199254740993 AND ceil(n) > 0",
        "n = ceil(:n)",
        "-floor(-n) = 9007199254740993",
    ):
        binds = [Bind("n", "long", 2**53 + 1)] if ":n" in where else []
        assert table.places(where, binds) == [1], where
    assert table.places("n IN (0.5, 2, 1.5)") == [2]
    assert table.places("n IN (0.5, 1.5)") == []
    assert table.places("x IN (0.5, 1)") == [0, 2, 4]
    assert table.places("ceil(x) = 3 OR floor(x) = 1") == [1, 2]
    assert table.places("ceil(n / 2) = 1") == [2]
    assert table.places("NOT (n IN (1, 0.5)) AND n < 3") == [2, 4]


def test_what_is_divided_by_zero_is_null(table: Frozen) -> None:
    for zero in ("0", "0.0", "-0.0", "(visit - visit)", "(0.0 * visit)"):
        for text in (
            f"visit / {zero}",
            f"visit % {zero}",
            f"1.5 / {zero}",
            f"0.0 % {zero}",
            f"{zero} / {zero}",
        ):
            assert table.count(f"({text}) IS NULL") == 100, text


def test_the_largest_condition_that_is_allowed_is_answered(table: Frozen) -> None:
    deep = "(" * 40 + "visit = 1" + ")" * 40
    assert table.places(deep) == [1]
    assert table.count("visit" + " + 1" * 400 + " > 0 OR good" + " OR good" * 1_500) == 100
    assert table.count("(visit + " * 39 + "visit" + ")" * 39 + " > 0") == 99
    wide = " OR ".join(f"visit = {n}" for n in range(1_000))
    assert table.count(wide) == 100
    assert table.count("visit IN :v", [Bind("v", "longs", tuple(range(100_000)))]) == 100
    with pytest.raises(TooComplex):
        table.count("visit IN :v", [Bind("v", "longs", tuple(range(100_001)))])


def test_a_pattern_takes_time_in_proportion_to_the_text(table: Frozen) -> None:
    """Matched by trying, this one would never end: 400 wildcards over 2,000 equal letters."""
    began = time.monotonic()
    assert table.count("group_name LIKE '" + "%a" * 400 + "%b'") == 0
    assert time.monotonic() - began < 5


def test_numbers_that_leave_their_range_are_the_callers_mistake(table: Frozen) -> None:
    with pytest.raises(BadUserInput, match="range"):
        table.count("visit * 9223372036854775807 + visit > 0")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    count = 1_000_000
    columns: dict[str, Any] = {
        "visit": pa.array(range(count), pa.int64()),
        "id": pa.array([f"{n * 7919 % count:08x}-0000-4000-8000-{n:012x}" for n in range(count)]),
        "band": pa.array(["g", "r", "i", "z"] * (count // 4)),
        "s_region": pa.array(
            [f"POLYGON ICRS {n / 3} {n / 7} {n / 11} {n / 13} {n / 17} {n / 19}" for n in range(count)]
        ),
    }
    return Frozen(tmp_path_factory.mktemp("large") / "t.parquet", pa.table(columns))


def test_a_million_rows_are_sorted_and_counted_within_the_memory(large: Frozen) -> None:
    began = time.monotonic()
    assert (
        large.places(None, (), [Order("id", True)], 3)
        == sorted(range(1_000_000), key=lambda n: n * 7919 % 1_000_000, reverse=True)[:4]
    )
    assert [count for _, count in large.facets(["band"])] == [250_000] * 4
    assert large.count("id LIKE '%0000a'") > 0
    assert len(large.places(None, (), [Order("band"), Order("id")], 10_000, 999_999)) <= 10_001
    assert large.ask(statement := Statement(large.columns), statement.rows([7, 999_999]))[0][0] in (
        7,
        999_999,
    )
    assert time.monotonic() - began < 20


def test_what_takes_too_much_memory_or_time_is_told(large: Frozen) -> None:
    small = Frozen.__new__(Frozen)
    small.path, small.columns, small.memory = large.path, large.columns, 64
    with pytest.raises(TooComplex, match="64 MB"):
        small.facets(["visit", "id"], "visit >= 0", 10_000)
    began = time.monotonic()
    statement = Statement(large.columns)
    text = statement.facets(None, ["visit", "id"], 10)
    with pytest.raises(Timeout):
        large.ask(statement, text, seconds=0.1)
    assert time.monotonic() - began < 2
