"""matplotlib, PIL and xarray."""

import xarray as xr
from PIL import Image

from transparency.case import Case
from transparency.values import VALUES as SHARED
from transparency.values import noise

SETUP = """
import io
import matplotlib
matplotlib.use("agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from transparency.values import noise, sales

def lines(*args, **kwargs):
    fig, ax = plt.subplots()
    drawn = ax.plot(*args, **kwargs)
    return [line.get_xydata() for line in drawn]

def axes():
    return plt.subplots()[1]

def pixels(image):
    return np.asarray(image)
"""

VALUES = {
    **SHARED,
    "picture": lambda: Image.fromarray(SHARED["image"]()),
    "data array": lambda: xr.DataArray(
        noise(3, 2), dims=["time", "site"], coords={"time": [1, 2, 3], "site": ["a", "b"]}
    ),
    "data set": lambda: xr.Dataset(
        {"t": ("time", [1.0, 2.0, 3.0]), "p": ("time", [4, 5, 6])}, coords={"time": [10, 20, 30]}
    ),
}

CASES = [
    Case("vector", "lines(x), lines(x, x), lines(range(4), x, 'r--', label='v')"),
    Case("vector", "axes().bar(range(4), x)[0].get_height()"),
    Case("vector", "axes().scatter(x, x).get_offsets().data, axes().hist(x)[0]"),
    Case("vector", "axes().fill_between(range(4), x).get_alpha()"),
    Case("ints", "lines(x), axes().bar(range(8), x)[1].get_height(), axes().hist(x, bins=3)[0]"),
    Case("ints", "axes().pie(x)[0][0].theta2, axes().boxplot(x)['medians'][0].get_ydata()"),
    Case("ints", "axes().set_xticks(x)[0].get_loc()"),
    Case("floats", "lines(x), axes().errorbar(range(4), x, yerr=0.1)[0].get_ydata()"),
    Case("floats", "axes().stem(x)[0].get_ydata(), axes().plot(x, alpha=0.5)[0].get_alpha()"),
    Case("words", "axes().bar(x[:3], [1, 2, 3])[0].get_height()"),
    Case("words", "axes().set_xticks(range(4), labels=x)[0].label1.get_text()"),
    Case("words", "axes().legend(x) is None"),
    Case("counts", "axes().bar(x.keys(), x.values())[0].get_height()"),
    Case("counts", "axes().bar(list(x), list(x.values()))[1].get_x()"),
    Case("str", "axes().set_title(x).get_text(), axes().set_xlabel(x).get_text()"),
    Case("str", "lines([1, 2], label=x), axes().text(0, 0, x).get_text()"),
    Case("str", "axes().annotate(x, (0, 0)).get_text(), plt.figure().suptitle(x).get_text()"),
    Case("str", "fig = plt.figure()\nfig.savefig(x + '.png')\nopen('banana.png', 'rb').read(4)"),
    Case(
        "path",
        "fig = plt.figure()\nx.parent.mkdir()\nfig.savefig(x.with_suffix('.png'))\n"
        "Image.open(x.with_suffix('.png')).format",
    ),
    Case("float", "axes().axhline(x).get_ydata(), axes().set_xlim(0, x), lines([1, 2], lw=x)"),
    Case("float", "axes().set_ylim(top=x), plt.figure(dpi=x * 40).dpi"),
    Case("float", "axes().axvline(x).get_xdata()"),
    Case("int", "axes().hist([1, 2, 3], bins=x)[0], axes().set_xlim(0, x)"),
    Case("int", "lines([1, 2], markersize=x), axes().set_title('a', fontsize=x).get_fontsize()"),
    Case("int", "plt.cm.viridis(x), lines([x, 1])"),
    Case("pair", "plt.subplots(*x)[1].shape, plt.figure(figsize=x).get_figwidth()"),
    Case("pair", "axes().set_xlim(x), axes().annotate('a', x).xy, lines([1, 2], dashes=x)"),
    Case("datetime", "lines([x, x], [1, 2]), axes().axvline(x).get_xdata(), mdates.date2num(x)"),
    Case("days", "lines(x, [1, 2, 3]), mdates.date2num(x)"),
    Case("names", "axes().bar(x, [1, 2, 3])[0].get_height()"),
    Case("matrix", "axes().imshow(x).get_array().data, axes().pcolormesh(x).get_array().data"),
    Case("matrix", "axes().contour(x).levels, lines(x), axes().matshow(x).get_clim()"),
    Case("matrix", "axes().plot_surface if False else 1"),
    Case("image", "axes().imshow(x).get_array().data.shape, plt.imsave('a.png', x)"),
    Case("image", "plt.imshow(x).get_size()"),
    Case("frame", "x.plot(y='units', ax=axes()).lines[0].get_ydata()"),
    Case("frame", "axes().plot('units', 'price', data=x)[0].get_xydata()"),
    Case("frame", "axes().scatter(x['units'], x.price).get_offsets().shape"),
    Case("frame", "x.groupby('shop').units.sum().plot.bar(ax=axes()).patches[0].get_height()"),
    Case("frame", "x.units.hist(ax=axes()).patches[0].get_height()"),
    Case("series", "x.plot(ax=axes()).lines[0].get_ydata(), lines(x)"),
    Case("series", "axes().bar(x.index, x)[0].get_height(), lines(x.index, x.values)"),
    Case("hours", "x.plot(ax=axes()).lines[0].get_ydata(), lines(x), lines(x.index, x)"),
    # PIL
    Case("image", "pixels(Image.fromarray(x)), pixels(Image.fromarray(x).resize((4, 4)))"),
    Case("image", "pixels(Image.fromarray(255 - x)), Image.fromarray(x[..., 0]).mode"),
    Case("picture", "x.size, x.mode, x.getpixel((0, 0)), pixels(x), np.array(x)"),
    Case("picture", "pixels(x.convert('L')), pixels(x.resize((4, 4))), pixels(x.rotate(90))"),
    Case("picture", "x.crop((0, 0, 2, 2)).size, x.histogram()[:3]"),
    Case("picture", "pixels(ImageOps.invert(x)), pixels(x.filter(ImageFilter.BLUR))"),
    Case("picture", "x.tobytes()[:3], x.getbbox(), isinstance(x, Image.Image), x._repr_png_()[:4]"),
    Case("picture", "ImageOps.grayscale(x).mode, pixels(Image.blend(x, x, 0.5))"),
    Case("picture", "x.save('a.png')\npixels(Image.open('a.png'))"),
    Case("picture", "x.save(f := io.BytesIO(), format='PNG')\nf.getvalue()[:4]"),
    Case("picture", "canvas = Image.new('RGB', (10, 10))\ncanvas.paste(x, (1, 1))\npixels(canvas)"),
    Case("picture", "ImageDraw.Draw(x).rectangle((0, 0, 2, 2), fill='red')\npixels(x)[0, 0]"),
    Case("picture", "axes().imshow(x).get_array().shape, Image.merge('RGB', x.split()).size"),
    Case("picture", "Image.alpha_composite(x.convert('RGBA'), x.convert('RGBA')).size"),
    Case("pair", "Image.new('RGB', x).size, Image.new('L', (8, 8)).resize(x).size"),
    Case("pair", "Image.new('L', (8, 8)).getpixel(x)"),
    Case("rgb", "Image.new('RGB', (1, 1), x).getpixel((0, 0))"),
    Case("rgb", "Image.new('RGB', (1, 1), tuple(x)).size"),
    Case("int", "Image.new('L', (x, x)).size, Image.new('L', (4, 4)).rotate(x).size"),
    Case("int", "Image.new('L', (4, 4), x).getpixel((0, 0)), ImageFilter.GaussianBlur(x).name"),
    Case("str", "Image.new('RGB', (2, 2)).save(x + '.png')"),
    # xarray
    Case("vector", "xr.DataArray(x), xr.Dataset({'v': ('t', x)}), xr.DataArray([1.0] * 4) + x"),
    Case("vector", "xr.DataArray(x, dims='t').mean(), xr.Variable('t', x)"),
    Case("matrix", "xr.DataArray(x, dims=['a', 'b']).sum('a'), xr.DataArray(x).shape"),
    Case("matrix", "xr.Dataset({'m': (('a', 'b'), x)}).sizes['a']"),
    Case("days", "xr.DataArray([1, 2, 3], coords={'t': x}, dims='t').sel(t='2024-01-15')"),
    Case("days", "xr.DataArray(x)"),
    Case("frame", "xr.Dataset.from_dataframe(x)['units'].sum(), x.to_xarray().price.mean()"),
    Case("str", "xr.DataArray([1, 2], dims=[x]).dims, xr.Dataset({x: 1})[x]"),
    Case("str", "xr.DataArray([1], dims='t', name=x).name"),
    Case("int", "xr.DataArray([1, 2]) + x, xr.DataArray([1, 2]) * x"),
    Case("int", "xr.DataArray([[1]] * 9, dims=['t', 's']).isel(t=x), xr.DataArray(x)"),
    Case("float", "xr.DataArray([1.0, 2.0]) * x, xr.DataArray([1.0, None], dims='t').fillna(x)"),
    Case("float", "xr.DataArray([1.0, 9.0]).where(lambda a: a > x)"),
    Case("counts", "xr.Dataset(x), xr.DataArray([1], attrs=x).attrs['a']"),
    Case("data array", "x + 1, x.mean('time'), x.sel(site='a'), x[0], x.values, x.dims, x * x"),
    Case("data array", "np.sqrt(abs(x)), x.to_pandas(), x.isel(time=0), x.shape, x.T.dims"),
    Case("data array", "xr.concat([x, x], 'time').shape, xr.Dataset({'v': x}), np.asarray(x)"),
    Case("data array", "xr.where(x > 0, x, 0), isinstance(x, xr.DataArray)"),
    Case("data array", "x.to_dataset(name='v'), xr.DataArray(x), x.groupby('site').mean()"),
    Case("data array", "x.values[0] = 0\nx"),
    Case("data set", "x['t'].mean(), x.t + 1, x.sel(time=20), list(x), x.to_dataframe()"),
    Case("data set", "x.sizes['time'], x.assign(q=x.t * 2), x.mean(), xr.merge([x, x])"),
    Case("data set", "x.isel(time=0), xr.concat([x, x], 'time').t.shape, x.map(abs)"),
    Case("data set", "x['q'] = x.t * 2\nx"),
    Case("data set", "isinstance(x, xr.Dataset), x.to_dict()['dims'], xr.align(x, x)[0]"),
    Case("data set", "x.equals(x.copy()), x == x, x.to_array().shape"),
    Case("data set", "x.resample if False else x.time"),
]
