"""Values of libraries: how they are made, read and changed."""

import functools
import io

import astropy.units as u
import dask.array as da
import dask.dataframe as dd
import geopandas
import lightgbm
import networkx as nx
import numpy as np
import pandas as pd
import pydantic
import statsmodels.api as sm
import statsmodels.formula.api as smf
import sympy
import xarray as xr
import xgboost
from astropy.coordinates import SkyCoord
from astropy.cosmology import FlatLambdaCDM
from astropy.io import fits
from astropy.modeling import models
from astropy.table import Table
from astropy.time import Time, TimeDelta
from PIL import Image

X = sympy.Symbol("x")


class Model(pydantic.BaseModel):
    a: int = 1

    @functools.cached_property
    def twice(self):
        """What is computed once."""
        return 2 * self.a

    @pydantic.computed_field
    @functools.cached_property
    def thrice(self) -> int:
        """What is dumped, too."""
        return 3 * self.a


class Outer(pydantic.BaseModel):
    inner: Model


def dataset(unit="m", last=5.0):
    """Return measurements at places and times."""
    data = np.arange(6.0).reshape(2, 3)
    data[1, 2] = last
    coords = {"x": [1, 2], "t": pd.date_range("2024", periods=3)}
    return xr.Dataset({"a": (("x", "t"), data)}, coords, {"unit": unit})


def header(text="c"):
    """Return the header of a file."""
    made = fits.Header()
    made["A"] = (1, text)
    return made


@functools.cache
def numbers():
    """Return explanatory and explained numbers."""
    rng = np.random.default_rng(1)
    given = sm.add_constant(rng.normal(size=(20, 2)))
    return given, given[:, 1] * 2 + rng.normal(size=20)


def regression(scale=1.0):
    """Return a model that has been fitted."""
    given, explained = numbers()
    return sm.OLS(explained * scale, given).fit()


def logistic(cut=0.0):
    """Return another one."""
    given, explained = numbers()
    return sm.GLM(explained > cut, given, sm.families.Binomial()).fit()


def by_formula(formula="y ~ a"):
    """Return a model whose tables patsy made."""
    given, explained = numbers()
    table = pd.DataFrame({"y": explained, "a": given[:, 1], "b": given[:, 2]})
    return smf.ols(formula, table).fit()


def image(*colors):
    """Return an image as it is read from a file, with a frame for each color."""
    frames = [Image.new("RGB", (3, 3), (color, 0, 0)) for color in colors]
    file = io.BytesIO()
    frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:])
    return Image.open(io.BytesIO(file.getvalue()))


def tagged(text):
    """Return an image with an EXIF tag."""
    made = Image.new("RGB", (2, 2))
    made.getexif()[0x010E] = text
    return made


def places(x=1.0, crs=3857):
    """Return points with what is there."""
    points = geopandas.points_from_xy([0.0, x], [0.0, 1.0])
    return geopandas.GeoDataFrame({"name": ["a", "b"]}, geometry=points, crs=crs)


@functools.cache
def boosted(kind, n_estimators=3):
    """Return a small model that has been fitted."""
    given, explained = numbers()
    options = {"verbose": -1, "min_child_samples": 1} if kind is lightgbm.LGBMRegressor else {}
    return kind(n_estimators=n_estimators, n_jobs=1, **options).fit(given, explained)


def read_model(it):
    """Read what a model says."""
    it.predict(numbers()[0]), it.feature_importances_, it.get_params(), repr(it)


def read_dataset(it):
    """Read what xarray keeps."""
    it.encoding, it.a.encoding, it.t.dt.month  # noqa: B018
    it.groupby("x").mean(), it.rolling(t=2).mean(), it.mean()


def read_results(it):
    """Read what statsmodels keeps."""
    it.summary(), it.conf_int(), it.predict(), it.pvalues


def read_graph(it):
    """Read what networkx keeps."""
    it.adj, it.nodes, it.edges, it.degree, nx.pagerank(it)


KINDS = {
    "xarray dataset": (dataset, read_dataset, lambda: dataset("km"), lambda: dataset(last=6.0)),
    "xarray array": (lambda: dataset().a, lambda it: it.encoding, lambda: dataset(last=6.0).a),
    "xarray variable": (
        lambda: dataset().a.variable,
        lambda it: it.encoding,
        lambda: dataset(last=6.0).a.variable,
    ),
    "xarray tree": (
        lambda: xr.DataTree(dataset()),
        lambda it: it.encoding,
        lambda: xr.DataTree(dataset("km")),
    ),
    "quantity": (
        lambda: np.arange(3) * u.m / u.s,
        lambda it: (it.to(u.km / u.h), it.si, hash(it.unit), it.unit.physical_type),
        lambda: np.arange(3) * u.m / u.h,
        lambda: np.arange(1, 4) * u.m / u.s,
    ),
    "unit": (lambda: u.km, lambda it: (hash(it), it.decompose()), lambda: u.m, lambda: u.mag),
    "time": (lambda: Time("2024-01-01"), lambda it: it.tdb, lambda: Time("2024-01-02")),
    "difference of times": (
        lambda: TimeDelta([1.0, 2.0], format="sec"),
        lambda it: (it.jd, it.to_value("hour"), repr(it)),
        lambda: TimeDelta([1.0, 3.0], format="sec"),
        lambda: TimeDelta([1.0, 2.0], format="sec", scale="tai"),
    ),
    "model of astropy": (
        lambda: models.BlackBody(5000 * u.K),
        lambda it: (it.bounds, it.fixed, it.tied, it.parameters, repr(it)),
        lambda: models.BlackBody(5001 * u.K),
        lambda: models.BlackBody(5000 * u.K, bounds={"temperature": (1, None)}),
        lambda: models.BlackBody(5000 * u.K, fixed={"temperature": True}),
    ),
    "sum of models": (
        lambda: models.Gaussian1D(1, 2, 3) + models.Const1D(1),
        lambda it: (it(1.0), it.bounds, it.parameters, it.param_names, repr(it)),
        lambda: models.Gaussian1D(1, 2, 3) - models.Const1D(1),
        lambda: models.Gaussian1D(1, 2, 3) + models.Const1D(2),
        lambda: models.Gaussian1D(1, 2, 3, name="a") + models.Const1D(1),
    ),
    "table of astropy": (
        lambda: Table({"a": [1, 2]}),
        lambda it: (it["a"], it.info, str(it)),
        lambda: Table({"a": [1, 3]}),
    ),
    "coordinates": (
        lambda: SkyCoord(1 * u.deg, 2 * u.deg),
        lambda it: (it.galactic, it.ra.hms),
        lambda: SkyCoord(1 * u.deg, 3 * u.deg),
    ),
    "cosmology": (
        lambda: FlatLambdaCDM(70, 0.3),
        lambda it: it.H(1),
        lambda: FlatLambdaCDM(71, 0.3),
    ),
    "header": (header, lambda it: (it["A"], repr(it), it.tostring()), lambda: header("d")),
    "regression": (regression, read_results, lambda: regression(2.0)),
    "regression by a formula": (
        by_formula,
        lambda it: (it.summary(), it.conf_int(), it.resid),
        lambda: by_formula("y ~ b"),
    ),
    "logistic regression": (logistic, read_results, lambda: logistic(1.0)),
    "graph": (
        lambda: nx.Graph([(1, 2), (2, 3)]),
        read_graph,
        lambda: nx.Graph([(2, 3), (1, 2)]),
        lambda: nx.Graph([(1, 2), (2, 3), (3, 1)]),
        lambda: nx.Graph([(1, 2), (2, 3, {"w": 1})]),
    ),
    "multigraph": (
        lambda: nx.MultiDiGraph([(1, 2), (1, 2)]),
        read_graph,
        lambda: nx.MultiDiGraph([(1, 2)]),
    ),
    "image": (
        lambda: Image.new("RGB", (3, 3)),
        lambda it: (it.load(), np.asarray(it), it.getexif()),
        lambda: Image.new("RGB", (3, 3), "red"),
        lambda: Image.new("RGB", (3, 4)),
    ),
    "pydantic model": (
        Model,
        lambda it: (it.twice, it.thrice, it.model_dump()),
        lambda: Model(a=2),
        lambda: Model(a=1),
    ),
    "nested model": (
        lambda: Outer(inner=Model()),
        lambda it: (it.inner.twice, it.inner.thrice),
        lambda: Outer(inner=Model(a=2)),
    ),
    "function of sympy": (
        lambda: sympy.Function("f"),
        lambda it: (sympy.dsolve(it(X).diff(X) - it(X)), sympy.simplify(sympy.sin(X) ** 2)),
        lambda: sympy.Function("g"),
        lambda: sympy.Function("f", positive=True),
    ),
    "applied function": (
        lambda: sympy.Function("f")(X),
        lambda it: (sympy.integrate(sympy.exp(-(X**2)), X), it.diff(X)),
        lambda: sympy.Function("f")(2 * X),
    ),
    "dask array": (
        lambda: da.from_array(np.arange(6), chunks=2) + 1,
        lambda it: (it.sum().compute(), it.dtype, repr(it)),
        lambda: da.from_array(np.arange(6), chunks=2) + 2,
    ),
    "dask frame": (
        lambda: dd.from_pandas(pd.DataFrame({"a": [1, 2, 3]}), npartitions=2),
        lambda it: (it.a.sum().compute(), it.columns, it.divisions, it.npartitions),
        lambda: dd.from_pandas(pd.DataFrame({"a": [1, 2, 4]}), npartitions=2),
    ),
    "geo frame": (
        places,
        lambda it: (it.area, it.to_crs(4326), it.sindex, it.total_bounds),
        lambda: places(2.0),
        lambda: places(crs=4326),
    ),
    "geo series": (
        lambda: places().geometry,
        lambda it: (it.area, it.sindex),
        lambda: places(2.0).geometry,
    ),
    "boosted by lightgbm": (
        lambda: boosted(lightgbm.LGBMRegressor),
        read_model,
        lambda: boosted(lightgbm.LGBMRegressor, n_estimators=4),
    ),
    "boosted by xgboost": (
        lambda: boosted(xgboost.XGBRegressor),
        read_model,
        lambda: boosted(xgboost.XGBRegressor, n_estimators=4),
    ),
    "expression": (
        lambda: sympy.sin(X) ** 2 + 1,
        lambda it: (hash(it), it.diff(X), it.is_positive),
        lambda: sympy.sin(X) ** 2 + 2,
    ),
}
"""By name: how a value is made, how it is read, and how others that differ from it are made."""

MADE = {
    "create_model": lambda: [
        pydantic.create_model("Row", **{name: (kind, default)})()
        for name, kind, default in (("a", int, 1), ("b", int, 1), ("a", float, 1.0))
    ],
    "create_model class": lambda: [
        pydantic.create_model("Row", a=(int, default)) for default in (1, 2)
    ],
    "frames": lambda: [image(1), image(1, 2), image(1, 2, 3)],
    "EXIF": lambda: [tagged("a"), tagged("b"), Image.new("RGB", (2, 2))],
}
"""Values that must differ."""
