"""Whatever is called, deleted, collected and promoted, in whatever order: repositories hold what a plain model holds."""

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import provenance as p
from provenance.testing import memory_environment
from servers.postgres import server

numbers = st.integers(0, 3)
places = st.sampled_from(["near", "far"])
names = st.sampled_from(["a", "b"])
CONFIG = {
    "blobstores": {
        f"{name} files": {"type": "disk", "cachedir": name, "delete": True}
        for name in ("near", "far")
    },
    "artifact_repos": {
        name: {
            "type": "sqlite",
            "db": f"{name}.db",
            "store": f"{name} files",
            "delete": True,
            "inline_limit": limit,
        }
        for name, limit in (("near", 1000), ("far", 0))
    },
}


@p.provenance()
def base(n):
    """Something small or large."""
    return bytes([n]) * (1 + 2_000 * (n % 2))


@p.provenance()
def pair(left, right):
    """Something that holds an artifact and has two as inputs."""
    return {"left": left, "size": len(left) + len(right)}


class History(RuleBasedStateMachine):
    """Two repositories beside a model: ids by place, sources by id, sets in the order in which they were put."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.repos = self.opened()
        self.there = {name: set() for name in self.repos}
        self.sets = {name: [] for name in self.repos}
        self.sources = {}

    def opened(self):
        """The repositories, empty."""
        return {
            name: evolve(memory_environment().repository(), name=name) for name in ("near", "far")
        }

    def teardown(self):
        """All values are whole that lack nothing; leave nothing behind."""
        for repo in self.repos.values():
            for each in p.search(repo=repo):
                assert (
                    not each.value_artifact_ids <= self.there[repo.name]
                    or p.hash(each.value) == each.value_id
                )
        shutil.rmtree(self.folder, ignore_errors=True)

    def note(self, place, value, sources=()):
        """The model of a call's result."""
        artifact_id = p.artifact_of(value).id
        self.there[place].add(artifact_id)
        self.sources[artifact_id] = set(sources)
        return artifact_id

    def closure(self, place, artifact_id):
        """What a promotion takes along."""
        met, waiting = set(), [artifact_id]
        while waiting:
            each = waiting.pop()
            if each in self.there[place] and each not in met:
                met.add(each)
                waiting += self.sources[each]
        return met

    @rule(place=places, one=numbers, other=numbers)
    def call(self, place, one, other):
        """A pipeline is called."""
        with p.using_repo(self.repos[place]):
            left, right = base(one), base(other)
            made = pair(left, right)
            assert base.__wrapped__(one) == left
            assert pair.__wrapped__(base.__wrapped__(one), base.__wrapped__(other)) == made
        self.note(place, made, [self.note(place, left), self.note(place, right)])

    @rule(place=places, data=st.data())
    def delete(self, place, data):
        """An artifact is deleted; no other one changes."""
        if self.there[place]:
            chosen = data.draw(st.sampled_from(sorted(self.there[place])))
            self.repos[place].delete(chosen)
            self.there[place].remove(chosen)

    @rule(place=places, data=st.data())
    def promote(self, place, data):
        """An artifact is copied to the other repository with all that is left of its sources."""
        if self.there[place]:
            chosen = data.draw(st.sampled_from(sorted(self.there[place])))
            other = "far" if place == "near" else "near"
            p.promote(chosen, self.repos[other], self.repos[place])
            self.there[other] |= self.closure(place, chosen)

    @rule(place=places, name=names, build=st.integers(0, 1), data=st.data())
    def collect(self, place, name, build, data):
        """A set is put under labels; it is the newest of them."""
        members = (
            data.draw(st.sets(st.sampled_from(sorted(self.there[place]))))
            if self.there[place]
            else set()
        )
        made = p.create_set(members, {"name": name, "build": build}, self.repos[place])
        self.sets[place] = [
            each for each in self.sets[place] if each != (made.id, name, build, members)
        ]
        self.sets[place].append((made.id, name, build, members))

    @rule(place=places, data=st.data())
    def delete_set(self, place, data):
        """A set is deleted; its members stay."""
        if self.sets[place]:
            chosen = data.draw(st.sampled_from([each[0] for each in self.sets[place]]))
            self.repos[place].delete_set(chosen)
            self.sets[place] = [each for each in self.sets[place] if each[0] != chosen]

    @invariant()
    def the_artifacts_are_those_of_the_model(self):
        """Each is whole, and leads to what it came from and what came from it."""
        for place, repo in self.repos.items():
            assert self.there[place] == {each.id for each in p.search(repo=repo)}
            for each in p.search(repo=repo):
                assert self.sources[each.id] == each.source_ids
                progeny = {other for other in self.there[place] if each.id in self.sources[other]}
                assert progeny == set(repo.dependent_ids(each.id))

    @invariant()
    def the_sets_are_those_of_the_model(self):
        """The newest set is found by name, by labels and by id."""
        for place, repo in self.repos.items():
            newest = {}
            for set_id, name, build, members in self.sets[place]:
                newest[name] = newest[name, build] = set_id, members
            for wanted, (set_id, members) in newest.items():
                labels = (
                    wanted if isinstance(wanted, str) else {"name": wanted[0], "build": wanted[1]}
                )
                found = p.load_set_by_labels(labels, repo)
                assert (set_id, members) == (found.id, found.artifact_ids)
                assert found == p.load_set_by_id(set_id, repo)
            for gone in {"a", "b"} - newest.keys():
                with pytest.raises(p.SetNotFoundError):
                    p.load_set_by_name(gone, repo)


class StoredHistory(History):
    """The same in SQLite with folders for large values, and for all of them."""

    def opened(self):
        """The repositories, empty."""
        environment = p.from_config(CONFIG, self.folder)
        return {name: environment.repository(name) for name in ("near", "far")}


class SharedHistory(History):
    """The same in one PostgreSQL database, in schemas of their own."""

    def opened(self):
        """The repositories, empty."""
        url = server(18).database_for(self.folder)
        return {
            name: p.PostgresRepo(name, db=url, schema=name, create_schema=True)
            for name in ("near", "far")
        }


TestHistoryInMemory = History.TestCase
TestHistoryInMemory.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestHistoryOnDisk = StoredHistory.TestCase
TestHistoryOnDisk.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestHistoryInPostgres = SharedHistory.TestCase
TestHistoryInPostgres.settings = settings(max_examples=6, stateful_step_count=12, deadline=None)
