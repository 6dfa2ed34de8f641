"""Parameters and rows of SQLAlchemy."""

from transparency.case import Case

SETUP = '''
import datetime as dt
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

meta = sa.MetaData()
items = sa.Table("items", meta, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String),
    sa.Column("price", sa.Float), sa.Column("day", sa.Date), sa.Column("data", sa.JSON), sa.Column("flag", sa.Boolean),
    sa.Column("at", sa.DateTime), sa.Column("cost", sa.Numeric(10, 2)), sa.Column("key", sa.Uuid), sa.Column("raw", sa.LargeBinary))

class Base(DeclarativeBase):
    pass

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

def engine():
    made = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    meta.create_all(made)
    Base.metadata.create_all(made)
    return made

def stored(**values):
    """Insert a row and return it as it was read."""
    with engine().begin() as connection:
        connection.execute(items.insert(), values)
        return tuple(connection.execute(sa.select(*[items.c[name] for name in values])).one())
'''

CASES = [
    Case("int", "stored(id=x)"),
    Case("str", "stored(name=x)"),
    Case("float", "stored(price=x)"),
    Case("date", "stored(day=x)"),
    Case("datetime", "stored(at=x)"),
    Case("decimal", "stored(cost=x)"),
    Case("uuid", "stored(key=x)"),
    Case("bytes", "stored(raw=x)"),
    Case("true", "stored(flag=x)"),
    Case("none", "stored(name=x)"),
    Case("nested", "stored(data=x)"),
    Case("ints", "stored(data=x)"),
    Case("f64", "stored(price=x)"),
    Case("int", "engine().connect().execute(sa.text('select :n + 1'), {'n': x}).scalar()"),
    Case(
        "str",
        "engine().connect().execute(sa.text('select length(:s)').bindparams(s=x)).scalar_one()",
    ),
    Case("counts", "engine().connect().execute(sa.text('select :a * :c'), x).scalar()"),
    Case(
        "int",
        "str(sa.select(items).where(items.c.id == "
        "x).compile(compile_kwargs={'literal_binds': True}))",
    ),
    Case(
        "str",
        "str(sa.select(items).where(items.c.name.like(x)).compile(compile_kwargs={'literal_"
        "binds': True}))",
    ),
    Case(
        "ints",
        "str(sa.select(items.c.id).where(items.c.id.in_(x)).compile(compile_kwargs={'litera"
        "l_binds': True}))",
    ),
    Case(
        "words",
        "engine().connect().execute(sa.select(items.c.id).where(items.c.name.in_(x))).all()",
    ),
    Case(
        "int",
        "str(sa.select(items.c.id).limit(x).compile(compile_kwargs={'literal_binds': True}))",
    ),
    Case("date", "engine().connect().execute(sa.select(items).where(items.c.day >= x)).all()"),
    Case("str", "sa.Table(x, sa.MetaData(), sa.Column(x, sa.Integer)).c.banana.name"),
    Case("str", "str((items.c.name == x).compile().params)", "repr"),
    Case(
        "str",
        "with Session(engine()) as s:\n    s.add(User(id=1, name=x))\n    s.flush()\n"
        "    s.expire_all()\n    got = s.get(User, 1).name\ngot",
    ),
    Case(
        "int",
        "with Session(engine()) as s:\n    s.add(User(id=x, name='a'))\n    s.flush()\n"
        "    got = s.get(User, x).name\ngot",
    ),
    Case("counts", "str(items.insert().values({'id': 1, 'name': 'b'}).compile().params)"),
    Case("counts", "engine().connect().execute(sa.text('select :b'), [x][0]).all()"),
    Case(
        "people",
        "with engine().begin() as c:\n"
        "    c.execute(items.insert(), [{'name': r['name'], 'price': r['age'], 'data': "
        "r['langs']} for r in x])\n"
        "    got = c.execute(sa.select(items.c.name, items.c.data)).all()\n[tuple(r) for r in got]",
    ),
    Case(
        "frame",
        "e = engine()\nx.to_sql('sales', e, index=False)\n"
        "pd.read_sql('select shop, units from sales', e)",
    ),
    Case("str", "pd.read_sql(sa.text('select :s as s'), engine(), params={'s': x})"),
    Case(
        "ints",
        "pd.DataFrame({'v': x}).to_sql('t', e := engine(), index=False)\n"
        "pd.read_sql('select sum(v) as s from t', e)",
    ),
]
