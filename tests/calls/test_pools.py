"""Functions that other people's pools send by name: no worker stores results where the sender does not find them."""

import copy
import multiprocessing
import operator
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import dask
import joblib
import pytest

import provenance as p
from pool_tasks import call_in_pool, call_with_options, increment_in, map_to_list, use_own
from programs import ran
from provenance import environment
from provenance.testing import in_folder, in_memory, samples

ELSEWHERE = "would store results of .*increment in .*, where process"


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """A pool whose process is older than the configuration, in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("worker")
        (folder / "pyproject.toml").touch()
        patch.chdir(folder)
        patch.delenv("PROVENANCE_CONFIG", raising=False)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            pool.submit(len, "").result()
            yield pool


def test_a_worker_with_another_repository_refuses(older, tmp_path):
    """The error names both places and says what to do; the function works with its context, and in `map`."""
    with in_folder(tmp_path):
        for send in (
            lambda: older.submit(samples.increment, 1),
            lambda: older.submit(operator.call, samples.increment, 1),
        ):
            with pytest.raises(p.EngineError, match=ELSEWHERE) as caught:
                send().result()
            assert "p.in_context(fn)" in str(caught.value)
        assert older.submit(p.in_context(samples.increment), 1).result() == 2
        assert samples.increment.is_cached(1)
        engine = p.engines.futures(older)
        assert list(samples.increment.map([2], engine=engine)) == [3]


def test_a_worker_may_choose_a_repository(older, tmp_path):
    """Code in the worker that says where results go is obeyed."""
    with in_folder(tmp_path):
        with pytest.raises(p.EngineError, match=ELSEWHERE):
            older.submit(samples.increment, 1).result()
        assert older.submit(increment_in, 1, tmp_path).result() == 2


def test_where_nobody_has_chosen_a_repository_workers_use_their_own(older, monkeypatch):
    """A function that is sent before anything is configured says nothing of where it belongs."""
    monkeypatch.setattr(environment, "_environment", None)
    assert older.submit(samples.double, 2).result() == 4


def test_a_block_that_pools_do_not_see_is_warned_of(older, tmp_path, caplog):
    """Pools pickle in threads of their own: what `using_repo` chose is unknown there."""
    with in_folder(tmp_path), p.using_repo(p.MemoryRepo()), pytest.raises(p.EngineError):
        older.submit(samples.increment, 1).result()
    assert "does not see `using_repo`: send it as p.in_context(fn)" in caplog.text


def test_a_forked_copy_of_a_memory_is_another_repository():
    """What a forked worker stores in its copy is lost: so it refuses."""
    fork = multiprocessing.get_context("fork")
    with in_memory(), fork.Pool(1) as pool, pytest.raises(p.EngineError, match=ELSEWHERE):
        pool.map(samples.increment, [1])
    with in_memory(), fork.Pool(1) as pool:
        assert pool.apply(len, ["ab"]) == 2


def double(number):
    """A plain function that calls a decorated one."""
    return 2 * samples.increment(number)


def double_in_own(number):
    """The same, in a repository of the worker."""
    with p.using_repo(p.MemoryRepo()):
        return double(number)


def test_a_forked_worker_stores_nothing_in_its_copy_of_a_memory():
    """What it would compute into the copy is lost, whatever function called; it may use what is there, or its own."""
    fork = multiprocessing.get_context("fork")
    with in_memory():
        samples.increment(1)
        with fork.Pool(1) as pool:
            assert pool.map(double, [1]) == [4]
            assert pool.map(double_in_own, [2]) == [6]
            with pytest.raises(p.EngineError, match="copy of the memory"):
                pool.map(double, [2])
        inside = p.using_repo(p.MemoryRepo())
        with inside, fork.Pool(1) as pool, pytest.raises(p.EngineError, match="copy of the memory"):
            pool.map(double, [1])


def double_in_layer(number):
    """The same, around the repository that it has."""
    with p.using_repo(p.get_default_repo().with_layer(lambda stores: stores)):
        return double(number)


def double_in_chain(number):
    """The same, in a chain of the repository that it has."""
    with p.using_repo(p.ChainedRepo(stores=[p.get_default_repo()])):
        return double(number)


@pytest.mark.parametrize("function", [double, double_in_layer, double_in_chain])
@pytest.mark.parametrize("kind", ["memory", "values", "chain"])
def test_a_copy_of_a_memory_is_one_in_every_form(kind, function, tmp_path):
    """It is one with a layer that the worker puts around it, in a chain, and if values alone are in memory."""
    repo = p.MemoryRepo()
    if kind == "values":
        repo = p.SqliteRepo(db=tmp_path / "records.db", store=p.MemoryStore())
    elif kind == "chain":
        shared = p.SqliteRepo("shared", db=tmp_path / "shared.db", write=False)
        repo = p.ChainedRepo(stores=[repo, shared])
    with p.using_repo(repo), multiprocessing.get_context("fork").Pool(1) as pool:
        with pytest.raises(p.EngineError, match="copy of the memory"):
            pool.map(function, [1])
        assert pool.map(double_in_own, [1]) == [4]


def test_a_memory_in_front_of_a_shared_repository_loses_nothing(tmp_path):
    """A forked worker stores where its parent looks, too."""
    shared = p.SqliteRepo(db=tmp_path / "shared.db")
    chain = p.ChainedRepo(stores=[p.MemoryRepo(), shared])
    with p.using_repo(chain):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.map(double, [1]) == [4]
        assert samples.increment.is_cached(1)


def test_a_forked_process_that_is_no_worker_uses_its_copy_of_a_memory():
    """A server that forks expects nothing of what its children compute."""
    with in_memory():
        child = os.fork()
        if not child:
            os._exit(double(1))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4


def test_a_forked_worker_uses_the_repository_of_its_parent(tmp_path):
    """It has the same environment, and stores what the parent finds."""
    fork = multiprocessing.get_context("fork")
    with in_folder(tmp_path):
        samples.increment.is_cached(1)
        with fork.Pool(1) as pool:
            assert pool.map(samples.increment, [1, 2]) == [2, 3]
        assert samples.increment.is_cached(2)


def test_a_worker_without_the_values_refuses(tmp_path):
    """It reaches the records, but what is in memory ends with it."""
    config = {
        "blobstores": {"values": {"type": "memory"}},
        "artifact_repos": {
            "a": {"type": "sqlite", "db": str(tmp_path / "a.db"), "store": "values"}
        },
    }
    p.load_config(config)
    spawn = multiprocessing.get_context("spawn")
    refused = pytest.raises(p.EngineError, match=r"would store results of .* in memory, where")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool, refused:
        pool.submit(samples.increment, 1).result()


def test_loky_refuses_too(tmp_path):
    """The processes of joblib are older than what `using_repo` chooses."""
    work = joblib.Parallel(n_jobs=2)
    work(joblib.delayed(abs)(number) for number in range(2))
    with in_folder(tmp_path), pytest.raises(p.EngineError, match=ELSEWHERE):
        work(joblib.delayed(samples.increment)(number) for number in range(2))
    with in_folder(tmp_path):
        call = p.in_context(samples.increment)
        assert work(joblib.delayed(call)(number) for number in range(2)) == [1, 2]


def send_back(_):
    """A function, from a worker that stores elsewhere."""
    return samples.increment


def test_what_a_worker_sends_back_is_at_home():
    """The function stays usable in the process that has started the worker, whatever the worker's repository."""
    fork = multiprocessing.get_context("fork")
    with in_memory():
        with fork.Pool(1) as pool:
            (got,) = pool.map_async(send_back, [1]).get(timeout=20)
        assert got is samples.increment
        assert samples.increment(1) == 2


def test_pickles_copies_and_hashes_name_no_repository(tmp_path):
    """Only what goes to a pool says where results belong: other pickles may be read years later, anywhere."""
    with in_memory():
        plain, hashed = pickle.dumps(samples.increment), joblib.hash(samples.increment)
        assert copy.copy(samples.increment) is samples.increment
        assert copy.deepcopy(samples.increment) is samples.increment
    with in_folder(tmp_path):
        assert pickle.dumps(samples.increment) == plain
        assert joblib.hash(samples.increment) == hashed
    assert len(plain) < 70
    assert pickle.loads(plain) is samples.increment


def test_the_first_pickle_names_no_repository_either(tmp_path):
    """Picklers of pools that are loaded, and have pickled nothing yet, change nothing."""
    program = (
        "import multiprocessing.reduction, pickle, provenance as p\n"
        "from provenance.testing import samples\n"
        "p.set_default_repo(p.SqliteRepo('local', db='records.db'))\n"
        "assert pickle.dumps(samples.increment) == pickle.dumps(samples.increment)\n"
    )
    ran("-c", program, cwd=str(tmp_path))


def test_workers_of_workers_refuse_too(older, tmp_path):
    """A worker that has chosen nothing passes on where results belong, whether or not it has a repository by then."""
    with in_folder(tmp_path):
        for _ in range(2):
            with pytest.raises(p.EngineError, match=ELSEWHERE):
                older.submit(call_in_pool, samples.increment, 1).result()
            assert older.submit(p.get_use_cache).result()  # makes the environment of the worker


def test_a_worker_refuses_to_map(older, tmp_path):
    """Code in the worker that calls the function many times at once is in the same place."""
    with in_folder(tmp_path), pytest.raises(p.EngineError, match=ELSEWHERE):
        older.submit(map_to_list, samples.increment, 1).result()


def test_a_function_with_other_options_belongs_where_it_did(older, tmp_path):
    """Only a repository among the options is a choice of the worker."""
    with in_folder(tmp_path):
        sent = call_with_options, samples.increment, 1
        with pytest.raises(p.EngineError, match=ELSEWHERE):
            older.submit(*sent, tags=["more"]).result()
        assert older.submit(*sent, repo="local").result() == 2


def test_a_function_that_comes_back_belongs_where_it_was(tmp_path):
    """What a worker uses says nothing to the process that started it."""
    with in_folder(tmp_path):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            assert pool.submit(use_own, tmp_path).result() is samples.increment
        assert samples.increment(1) == 2


def test_the_pools_of_joblib_refuse_too():
    """The backend `multiprocessing` has a pickler of its own."""
    with in_memory(), pytest.raises(p.EngineError, match=ELSEWHERE):
        joblib.Parallel(n_jobs=2, backend="multiprocessing")(
            joblib.delayed(samples.increment)(number) for number in range(2)
        )


def test_the_processes_of_dask_refuse_too(older, tmp_path):
    """Dask pickles tasks by itself, before a pool gets them."""
    work = partial(dask.compute, scheduler="processes", pool=older)
    tasks = [dask.delayed(samples.increment)(number) for number in range(2)]
    with in_folder(tmp_path):
        with pytest.raises(p.EngineError, match=ELSEWHERE):
            work(*tasks)
        sent = p.in_context(samples.increment)
        assert work(*[dask.delayed(sent)(number) for number in range(2)]) == (1, 2)
        assert samples.increment.is_cached(1)
    with p.using_repo(p.MemoryRepo()), pytest.raises(p.EngineError, match=ELSEWHERE):
        work(*tasks)


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_pickles_of_tasks_name_no_repository(scheduler, tmp_path):
    """What a task in a thread pickles does not go to a pool."""
    plain = pickle.dumps(samples.increment)
    task = dask.delayed(pickle.dumps, traverse=False)(samples.increment)
    with in_folder(tmp_path):
        assert task.compute(scheduler=scheduler) == plain


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes_that_start_with_a_function_refuse_too(method, tmp_path, monkeypatch, capfd):
    """A process that is not part of a pool reads the function before it knows its parent."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pyproject.toml").touch()
    with in_folder(tmp_path):
        monkeypatch.chdir(elsewhere)
        monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)
        process = multiprocessing.get_context(method).Process(target=samples.increment, args=(1,))
        process.start()
        process.join()
        assert process.exitcode == 1
    assert "would store results of" in capfd.readouterr().err
