"""pydantic, attrs, cattrs, msgspec, YAML and other libraries that check or write plain data."""

from transparency.case import Case

SETUP = """
import dataclasses, datetime as dt, decimal, enum, io, pathlib, types, typing, uuid
import attrs, cattrs, jinja2, msgspec, networkx as nx, pydantic, requests, toolz, yaml
import dateutil.parser
from pyrsistent import freeze, pmap, pvector
from transparency.values import Color, Config, Interval, Point

class User(pydantic.BaseModel):
    name: str
    tags: list[str] = []
    active: bool = True

class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)
    number: int = 0
    real: float = 0.0
    text: str = ""
    items: list[int] = []
    counts: dict[str, int] = {}
    day: dt.date | None = None

class Event(pydantic.BaseModel):
    at: dt.datetime = dt.datetime(2024, 1, 1)
    took: dt.timedelta = dt.timedelta(0)
    cost: decimal.Decimal = decimal.Decimal(0)
    key: uuid.UUID | None = None
    path: pathlib.Path | None = None
    color: Color = Color.BLUE
    raw: bytes = b""

@attrs.define
class Typed:
    number: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))
    text: str = attrs.field(default="", validator=attrs.validators.instance_of(str))
    items: list = attrs.field(factory=list, validator=attrs.validators.deep_iterable(attrs.validators.instance_of(int)))

class Row(msgspec.Struct):
    number: int = 0
    text: str = ""
    items: list[int] = []

def valid(kind, value):
    return pydantic.TypeAdapter(kind).validate_python(value)

def dumped(value):
    return yaml.safe_dump(value)

def render(text, **values):
    return jinja2.Environment().from_string(text).render(**values)
"""

CASES = [
    # pydantic
    Case("str", "User(name=x)"),
    Case("str", "User(name=x).model_dump(), User(name=x).model_dump_json()"),
    Case("words", "User(name='a', tags=x).tags"),
    Case("true", "User(name='a', active=x).model_dump_json()"),
    Case("nested", "User(**x['user'])"),
    Case("nested", "User.model_validate(x['user']).model_dump()"),
    Case("nested", "valid(dict[str, typing.Any], x)"),
    Case("json text", "pydantic.TypeAdapter(dict).validate_json(x)"),
    Case("int", "Strict(number=x).model_dump()"),
    Case("float", "Strict(real=x).model_dump()"),
    Case("str", "Strict(text=x).model_dump()"),
    Case("ints", "Strict(items=x).model_dump()"),
    Case("counts", "Strict(counts=x).model_dump()"),
    Case("date", "Strict(day=x).model_dump_json()"),
    Case("int", "Strict(text=x)"),
    Case("datetime", "Event(at=x).model_dump_json()"),
    Case("timedelta", "Event(took=x).model_dump_json()"),
    Case("decimal", "Event(cost=x).model_dump_json()"),
    Case("uuid", "Event(key=x).model_dump_json()"),
    Case("path", "Event(path=x).model_dump(mode='json')"),
    Case("enum", "Event(color=x).model_dump(mode='json')"),
    Case("bytes", "Event(raw=x[2:7]).model_dump_json()"),
    Case("int", "valid(int, x), valid(float, x), valid(typing.Literal[7, 8], x)"),
    Case("str", "valid(typing.Literal['banana', 'fig'], x)"),
    Case("str", "valid(int | str, x)"),
    Case("ints", "valid(list[float], x), valid(tuple[int, ...], x), valid(set[int], x)"),
    Case("pair", "valid(tuple[int, int], x), valid(list[int], x)"),
    Case("people", "[User(name=r['name'], tags=r['langs']).model_dump() for r in x]"),
    Case("int", "pydantic.validate_call(lambda n: n + 1)(x)"),
    Case("int", "pydantic.create_model('M', n=(int, x))().model_dump()"),
    Case("config", "pydantic.TypeAdapter(Config).dump_json(x)"),
    Case("nested", "pydantic.TypeAdapter(dict[str, typing.Any]).dump_json(x)"),
    # attrs and cattrs
    Case("int", "Typed(number=x), attrs.asdict(Typed(number=x))"),
    Case("str", "Typed(text=x)"),
    Case("ints", "Typed(items=x)"),
    Case("interval", "attrs.asdict(x), attrs.evolve(x, low=0), x == Interval(1, 5)"),
    Case("interval", "hash(x) == hash(Interval(1, 5))"),
    Case("interval", "attrs.fields(type(x))[0].name, attrs.has(x.__class__), x.high", "type"),
    Case("interval", "x.low = 3\nx"),
    Case("counts", "cattrs.structure(x, dict[str, int]), cattrs.unstructure(x)"),
    Case("ints", "cattrs.structure(x, list[int]), cattrs.structure({'items': x}, Typed)"),
    Case("interval", "cattrs.unstructure(x), cattrs.structure(cattrs.unstructure(x), Interval)"),
    Case("config", "cattrs.unstructure(x)"),
    # msgspec
    Case("int", "msgspec.json.encode(x), msgspec.json.encode({'n': x})"),
    Case("str", "msgspec.json.encode([x]), msgspec.msgpack.encode(x)"),
    Case("nested", "msgspec.json.encode(x)"),
    Case("people", "msgspec.msgpack.decode(msgspec.msgpack.encode(x))"),
    Case("datetime", "msgspec.json.encode(x)"),
    Case("json text", "msgspec.json.decode(x)"),
    Case("int", "msgspec.convert(x, int), msgspec.convert({'number': x}, Row)"),
    Case("ints", "msgspec.convert(x, list[int]), msgspec.convert(x, tuple[int, ...])"),
    Case("counts", "msgspec.convert(x, dict[str, int])"),
    Case("str", "msgspec.json.encode(Row(text=x)), msgspec.structs.asdict(Row(text=x))"),
    # YAML, templates and others
    Case("int", "dumped({'n': x})"),
    Case("str", "dumped([x])"),
    Case("nested", "dumped(x)"),
    Case("counts", "dumped({'counts': x})"),
    Case("ints", "yaml.dump(x), yaml.dump({'v': x}, default_flow_style=True)"),
    Case("str", "yaml.dump({'name': x})"),
    Case("date", "dumped({'day': x})"),
    Case("str", "yaml.safe_load('a: ' + x), yaml.safe_load(x)"),
    Case("str", "render('Hi {{ name|upper }}, {{ name }}', name=x)"),
    Case(
        "people",
        "render('{% for p in people if p.age > 30 %}{{ p.name }} {% endfor %}', people=x)",
    ),
    Case("counts", "render('{{ a + b }}', **x)"),
    Case("true", 'render(\'{{ "on" if flag is true else "off" }}\', flag=x)'),
    Case("none", "render('{{ v is none }} {{ v or \"-\" }}', v=x)"),
    Case("str", "render(x), jinja2.Template('{{ t }}').render(t=x)"),
    Case("counts", "requests.Request('GET', 'http://h/', params=x).prepare().url"),
    Case("nested", "requests.Request('POST', 'http://h/', json=x).prepare().body"),
    Case("str", "requests.Request('POST', 'http://h/', data=x, headers={'X-A': x}).prepare().body"),
    Case(
        "bytes",
        "requests.Request('POST', 'http://h/', data=x).prepare().headers['Content-Length']",
    ),
    Case("iso", "dateutil.parser.parse(x)"),
    Case("counts", "toolz.valmap(lambda v: v + 1, x), toolz.keyfilter('a'.__eq__, x)"),
    Case("counts", "toolz.merge(x, {'z': 0})"),
    Case("people", "toolz.groupby('age', x), toolz.pluck('name', x).__class__.__name__"),
    Case("people", "toolz.get_in([0, 'name'], x)"),
    Case("words", "toolz.frequencies(x), list(toolz.unique(x)), list(toolz.partition_all(3, x))"),
    Case("rows", "nx.Graph([(a, b) for a, b, _ in x]).number_of_edges()"),
    Case("rows", "sorted(map(str, nx.DiGraph([x[0][:2]]).nodes))"),
    Case("counts", "pmap(x)['a'], freeze(x), pmap().update(x)"),
    Case("ints", "pvector(x), pvector(x).append(1)"),
]
