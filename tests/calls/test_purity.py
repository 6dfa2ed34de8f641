"""What a function may do to its arguments: attributes that appear, and what stays an error."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import provenance as p


class Text:
    """Counts its words once, and keeps the number."""

    def __init__(self, text, inner=None):
        self.text, self.inner = text, inner

    def words(self):
        if not hasattr(self, "_words"):
            self._words = len(self.text.split())
        return self._words


def count(text):
    """The number of words, of all that is inside."""
    return [text.words(), *(each.words() for each in text.inner or ())]


def test_a_new_attribute_is_named_with_what_allows_it(repo):
    """The error has the path to it, at any depth, and the option; nothing is recorded."""
    text = Text("a b", [Text("c")])
    with pytest.raises(
        p.ImpureFunctionError, match=r"text\): arguments\['text'\]\._words, .*appeared"
    ) as error:
        p.provenance()(count)(text)
    assert ("arguments['text']._words", "arguments['text'].inner[0]._words") == error.value.added
    assert 'pure="caches"' in str(error.value)
    assert [2, 1] == error.value.value
    assert [] == list(repo)


def test_an_author_may_accept_caches(repo):
    """What appeared stays, and does not count; another call, with it there, is a call of another value."""
    counted = p.provenance(pure="caches")(count)
    text = Text("a b", [Text("c")])
    assert [2, 1] == counted(text)
    assert (2, ["text", "inner", "_words"]) == (text._words, list(vars(text)))
    assert counted.is_cached(Text("a b", [Text("c")]))


@pytest.mark.parametrize("arguments", ["values", "proxies"])
def test_what_was_there_must_stay(repo, arguments):
    """Also where caches are accepted: a changed attribute, one that is gone, a changed list."""

    @p.provenance(pure="caches", arguments=arguments)
    def spoil(text, how):
        text._new = 1
        how(text)
        return [1]

    for how in (
        lambda text: setattr(text, "text", "other"),
        lambda text: delattr(text, "text"),
        lambda text: text.inner.append(1),
    ):
        with pytest.raises(p.ImpureFunctionError, match="modified its arguments"):
            spoil(Text("a", []), how)


def test_fitting_an_argument_stays_an_error(repo):
    """A model that is fitted in place is another model, and its result no function of what was given."""
    model, x = LinearRegression(), np.arange(6.0).reshape(3, 2)

    @p.provenance()
    def fit(model, x):
        return model.fit(x, [1, 2, 3]).score(x, [1, 2, 3])

    with pytest.raises(p.ImpureFunctionError, match=r"arguments\['model'\]\.coef_"):
        fit(model, x)
    assert [] == list(repo)


def test_another_kind_of_purity_is_refused():
    """Where the function is decorated."""
    with pytest.raises(p.ConfigError, match="option pure: must be 'strict' or 'caches', got 'no'"):
        p.provenance(pure="no")(count)
