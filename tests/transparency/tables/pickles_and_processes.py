"""Pickles, copies, threads, tasks and processes."""

from transparency.case import Case

SETUP = '''
import asyncio, concurrent.futures as futures, contextlib, contextvars, copy, functools, io, marshal, math, multiprocessing
import operator, pickle, queue, shelve, sys, tempfile, threading, weakref
import cloudpickle
import joblib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from transparency.values import Account, Color, Config, Interval, Point

def in_thread(fn, *args):
    with futures.ThreadPoolExecutor(2) as pool:
        return pool.submit(fn, *args).result()

async def later(value):
    await asyncio.sleep(0)
    return value

@functools.cache
def spawned():
    """A pool with one process, which is not forked."""
    return multiprocessing.get_context("spawn").Pool(1)

@functools.cache
def executor():
    return futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

def through_pipe(value):
    left, right = multiprocessing.Pipe()
    left.send(value)
    return right.recv()

def shelved(value):
    with shelve.open("shelf") as shelf:
        shelf["x"] = value
        return shelf["x"]
'''

CASES = [
    # pickles
    Case("int", "pickle.loads(pickle.dumps(x)), pickle.loads(pickle.dumps([x, x]))"),
    Case("int", "pickle.loads(pickle.dumps({'a': x}))"),
    Case("str", "pickle.loads(pickle.dumps(x)), pickle.loads(pickle.dumps({x: 1}))['banana']"),
    Case("str", "pickle.loads(pickle.dumps(x, protocol=2))"),
    Case("true", "pickle.loads(pickle.dumps(x)) is True"),
    Case("none", "pickle.loads(pickle.dumps([x]))[0] is None"),
    Case("bytes", "pickle.loads(pickle.dumps((x, 1))), marshal.loads(marshal.dumps(bytes(x)))"),
    Case("ints", "pickle.loads(pickle.dumps(x)) + [1], marshal.loads(marshal.dumps(x))"),
    Case("set", "pickle.loads(pickle.dumps(x)) | {9}, pickle.loads(pickle.dumps({frozenset(x)}))"),
    Case("nested", "pickle.loads(pickle.dumps(x))['user'], copy.deepcopy([x, x])[1]['scores']"),
    Case("nested", "cloudpickle.loads(cloudpickle.dumps(x))"),
    Case("datetime", "pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x)"),
    Case("path", "pickle.loads(pickle.dumps(x)), copy.deepcopy(x)"),
    Case("decimal", "pickle.loads(pickle.dumps(x)) + 1, copy.copy(x)"),
    Case("enum", "pickle.loads(pickle.dumps(x)) is Color.RED, copy.deepcopy(x) is Color.RED"),
    Case("enum", "copy.copy(x)"),
    Case("point", "pickle.loads(pickle.dumps(x)).y, copy.copy(x), copy.deepcopy(x)._replace(x=0)"),
    Case("config", "pickle.loads(pickle.dumps(x)), copy.copy(x).names, copy.deepcopy(x) == x"),
    Case("account", "pickle.loads(pickle.dumps(x)).owner, copy.copy(x).balance"),
    Case("account", "copy.deepcopy({'a': x})['a'].deposit(1), x.balance"),
    Case("interval", "pickle.loads(pickle.dumps(x)).high, copy.copy(x), copy.deepcopy([x])[0].low"),
    Case("function", "pickle.loads(pickle.dumps(x))()['id']"),
    Case("function", "cloudpickle.loads(cloudpickle.dumps(x))()['id'], copy.deepcopy(x)()['id']"),
    Case("class", "pickle.loads(pickle.dumps(x)) is Account, copy.deepcopy(x) is Account"),
    Case("vector", "pickle.loads(pickle.dumps(x)), copy.deepcopy([x])[0] + 1"),
    Case("vector", "pickle.loads(pickle.dumps({'v': x, 'w': x[:2]}))['w']"),
    Case("names", "pickle.loads(pickle.dumps(x)).tolist(), copy.deepcopy(x)"),
    Case("frame", "pickle.loads(pickle.dumps(x)).units.sum(), copy.copy(x).shape"),
    Case("frame", "copy.deepcopy({'f': x})['f'].shop"),
    Case("series", "pickle.loads(pickle.dumps(x)) * 2, copy.deepcopy(x)"),
    Case("pl frame", "pickle.loads(pickle.dumps(x)).height, copy.deepcopy(x)['v'].sum()"),
    Case("f64", "pickle.loads(pickle.dumps(x)) + 1, copy.copy(x), copy.deepcopy([x])"),
    Case("units", "pickle.loads(pickle.dumps(x)).sum(), copy.copy(x).sum()"),
    Case("ints", "y = copy.copy(x)\ny.append(0)\nlen(x), y"),
    Case(
        "nested",
        "y = copy.deepcopy(x)\ny['user']['name'] = 'Eve'\nx['user']['name'], y['user']['name']",
    ),
    Case("counts", "y = x.copy()\ny['a'] = 0\nx, y"),
    Case("vector", "y = x.copy()\ny[0] = 9\nx, y"),
    Case("frame", "y = x.copy()\ny['units'] = 0\nx.units.sum(), y.units.sum()"),
    Case("nested", "shelved(x), shelved([x])"),
    Case("str", "with shelve.open(x) as s:\n    s[x] = 1\n    got = s['banana']\ngot"),
    Case("nested", "joblib.dump(x, 'x.joblib')\njoblib.load('x.joblib')"),
    Case(
        "vector",
        "joblib.dump({'v': x}, 'v.joblib', compress=3)\n"
        "joblib.load('v.joblib')['v'], joblib.hash(x)",
    ),
    Case("int", "joblib.hash(x), joblib.hash([x])"),
    Case("vector", "weakref.ref(x)() is x, sys.getsizeof(x) > 0"),
    Case("account", "weakref.ref(x)() is x, weakref.proxy(x).owner"),
    # threads and tasks
    Case("int", "in_thread(pow, x, 2), list(futures.ThreadPoolExecutor(2).map(abs, [x, -x]))"),
    Case("int", "in_thread(lambda: x + 1)"),
    Case("ints", "list(futures.ThreadPoolExecutor(2).map(str, x)), in_thread(sorted, x)"),
    Case("ints", "in_thread(sum, x)"),
    Case("vector", "in_thread(np.sum, x)"),
    Case("vector", "list(futures.ThreadPoolExecutor(2).map(lambda v: v * 2, x))"),
    Case("frame", "in_thread(lambda f: f.groupby('shop').units.sum(), x)"),
    Case(
        "nested",
        "seen = []\nt = threading.Thread(target=lambda r: seen.append(r['id']), args=(x,))\n"
        "t.start()\nt.join()\nseen",
    ),
    Case(
        "words",
        "q = queue.Queue()\n[q.put(w) for w in x]\nq.put(x)\n[q.get() for _ in x], q.get()",
    ),
    Case("int", "q = queue.PriorityQueue(maxsize=x)\nq.put((x, 'b'))\nq.put((1, 'a'))\nq.get()"),
    Case("int", "futures.ThreadPoolExecutor(max_workers=x).submit(int, x).result(timeout=x)"),
    Case("int", "threading.Semaphore(x).acquire(), threading.Event().wait(x * 0)"),
    Case("int", "asyncio.run(later(x)) + 1, asyncio.run(asyncio.wait_for(later(x), timeout=x))"),
    Case(
        "ints",
        "async def main():\n    return await asyncio.gather(*[later(v) for v in x])\n"
        "asyncio.run(main())",
    ),
    Case(
        "nested",
        "async def main():\n    return await asyncio.to_thread(len, x), (await later(x))['id']\n"
        "asyncio.run(main())",
    ),
    Case(
        "counts",
        "async def main():\n    q = asyncio.Queue()\n    await q.put(x)\n"
        "    return (await q.get())['a']\nasyncio.run(main())",
    ),
    Case(
        "str",
        "v = contextvars.ContextVar('v')\nv.set(x)\n"
        "contextvars.copy_context().run(v.get).upper(), contextvars.copy_context()[v] == x",
    ),
    Case("ints", "Parallel(2, 'threading')(delayed(math.sqrt)(v) for v in x)"),
    Case("ints", "Parallel(1)(delayed(abs)(v) for v in x)"),
    Case("int", "Parallel(n_jobs=min(x, 1))(delayed(pow)(x, 2) for _ in range(2))"),
    Case("int", "Parallel(1)(delayed(divmod)(x, b) for b in [2, 3])"),
    Case("vector", "Parallel(2, 'threading')(delayed(np.sum)(x[i:]) for i in range(3))"),
    Case("words", "functools.partial(sorted, x)()"),
    Case("words", "list(map(functools.partial(operator.contains, x), ['fig', 'no']))"),
    # processes
    Case("int", "through_pipe(x), through_pipe([x, x])"),
    Case("nested", "through_pipe(x)['user']"),
    Case("vector", "through_pipe(x)"),
    Case("frame", "through_pipe(x).units.sum()"),
    Case("ints", "spawned().map(math.sqrt, x), spawned().apply(sum, (x,))"),
    Case("ints", "spawned().starmap(pow, [(v, 2) for v in x[:2]])"),
    Case("str", "spawned().apply(len, (x,)), spawned().apply(str.upper, (x,))"),
    Case("str", "spawned().map(ord, x)"),
    Case("nested", "spawned().apply(sorted, (x,)), spawned().apply(operator.getitem, (x, 'id'))"),
    Case("vector", "spawned().apply(np.sum, (x,)), spawned().map(np.sqrt, [x, x[:2]])"),
    Case("frame", "spawned().apply(len, (x,)), spawned().apply(pd.concat, ([x, x],)).shape"),
    Case("int", "executor().submit(pow, x, 2).result(), list(executor().map(abs, [x, -x]))"),
    Case("words", "Parallel(2, 'loky')(delayed(len)(w) for w in x)"),
    Case("words", "Parallel(2, 'loky')(delayed(sorted)(x) for _ in range(2))"),
    Case("matrix", "Parallel(2, 'loky')(delayed(np.sum)(row) for row in x)"),
    Case("matrix", "Parallel(2, 'loky')(delayed(np.mean)(x, axis=a) for a in (0, 1))"),
    Case("many ints", "Parallel(2, 'loky')(delayed(sum)(x[i::2]) for i in range(2))"),
    Case("many ints", "through_pipe(x)[-1]"),
]
