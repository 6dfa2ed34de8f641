"""scipy and scikit-learn."""

from transparency.case import Case
from transparency.values import VALUES as SHARED

SETUP = """
import io, joblib, pickle
import numpy as np
import pandas as pd
import scipy, scipy.fft, scipy.integrate, scipy.interpolate, scipy.io, scipy.ndimage, scipy.optimize, scipy.signal
import scipy.linalg, scipy.sparse.linalg, scipy.spatial, scipy.special, scipy.stats, scipy.cluster.hierarchy
from scipy import sparse
from sklearn import base, cluster, compose, decomposition, ensemble, feature_extraction, impute, inspection, linear_model
from sklearn import metrics, model_selection, naive_bayes, neighbors, pipeline, preprocessing, svm, tree, utils
from transparency.values import noise, sales

X = noise(40, 3)
y = (X[:, 0] > 0).astype(int)
"""


def fitted(make: str) -> object:
    """Return what *make* says, fitted to numbers."""
    scope: dict[str, object] = {}
    exec(SETUP, scope)
    return eval(f"({make}).fit(X, y)", scope)


VALUES = {
    **SHARED,
    "scaler": lambda: fitted("preprocessing.StandardScaler()"),
    "logistic": lambda: fitted("linear_model.LogisticRegression()"),
    "tree": lambda: fitted("tree.DecisionTreeClassifier(max_depth=2, random_state=0)"),
    "forest": lambda: fitted("ensemble.RandomForestRegressor(n_estimators=5, random_state=0)"),
    "kmeans": lambda: fitted("cluster.KMeans(2, n_init=1, random_state=0)"),
    "pipe": lambda: fitted(
        "pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge())"
    ),
}

CASES = [
    # scipy
    Case("vector", "scipy.stats.zscore(x), scipy.stats.describe(x).mean"),
    Case("vector", "scipy.stats.ttest_1samp(x, 1).pvalue, scipy.special.expit(x)"),
    Case("vector", "scipy.fft.fft(x), scipy.stats.pearsonr(x, x).statistic"),
    Case("vector", "scipy.interpolate.interp1d(x, x)(2.0), scipy.integrate.simpson(x)"),
    Case("vector", "scipy.signal.find_peaks(x)[0], scipy.ndimage.gaussian_filter1d(x, 1)"),
    Case("vector", "scipy.integrate.trapezoid(x, x)"),
    Case("vector", "scipy.optimize.minimize(lambda p: ((p - x) ** 2).sum(), x + 1).x.round(3)"),
    Case("vector", "scipy.optimize.curve_fit(lambda t, a: a * t, x, x)[0]"),
    Case("vector", "sparse.diags(x).toarray(), scipy.linalg.norm(x)"),
    Case("square", "scipy.linalg.inv(x), scipy.linalg.expm(x), scipy.linalg.lu(x)[2]"),
    Case("square", "scipy.linalg.solve(x, [1, 2]), scipy.linalg.eig(x)[0]"),
    Case("square", "scipy.linalg.block_diag(x, x)"),
    Case("matrix", "scipy.spatial.distance.cdist(x, x), scipy.spatial.KDTree(x).query(x[0])[1]"),
    Case("matrix", "scipy.ndimage.zoom(x, 2).shape, sparse.csr_matrix(x)"),
    Case("matrix", "scipy.cluster.hierarchy.linkage(x).shape, scipy.signal.convolve2d(x, [[1]])"),
    Case("image", "scipy.ndimage.rotate(x, 90).shape, scipy.ndimage.label(x > 100)[1]"),
    Case("image", "scipy.ndimage.sobel(x[..., 0])"),
    Case("float", "scipy.special.gamma(x), scipy.stats.norm.cdf(x)"),
    Case("float", "scipy.stats.norm(loc=x).mean(), scipy.optimize.brentq(lambda v: v - x, 0, 5)"),
    Case("float", "scipy.integrate.quad(lambda v: v, 0, x)[0]"),
    Case("int", "scipy.special.comb(x, 2), scipy.stats.binom.pmf(2, x, 0.5), sparse.eye(x).shape"),
    Case("int", "scipy.stats.norm.rvs(size=2, random_state=x), scipy.linalg.hilbert(x).shape"),
    Case("csr", "x.toarray(), x @ np.ones(3), x.T, x * 2, x.sum(), x[0], x.nnz, x.shape"),
    Case("csr", "x.dot(x.T), sparse.issparse(x), x.tocoo(), x + x, abs(x)"),
    Case("csr", "sparse.vstack([x, x]), sparse.hstack([x, x]), sparse.csr_matrix(x)"),
    Case("csr", "np.asarray(x.todense()), sparse.linalg.norm(x)"),
    Case("csr", "sparse.linalg.svds(x, k=1)[1].round(5)"),
    Case("csr", "np.ones((1, 2)) @ x, 2 * x, x.multiply([1, 2, 3]), x.getrow(0).indices"),
    Case("csr", "sparse.isspmatrix_csr(x), x.data, x.max(), sparse.find(x)[0]"),
    Case("coo", "x.toarray(), x.tocsr()[0].toarray(), x.row, x @ x, x.sum(axis=0)"),
    Case("coo", "sparse.coo_matrix(x).nnz, isinstance(x, sparse.sparray), np.eye(3) @ x"),
    Case("floats", "scipy.stats.sem(x), scipy.stats.rankdata(x), scipy.signal.medfilt(x)"),
    Case("floats", "scipy.stats.gmean([1, 2]), scipy.special.softmax(x)"),
    Case("floats", "scipy.stats.trim_mean(x, 0.1)"),
    Case("ints", "scipy.stats.mode(x).mode, scipy.stats.entropy(x)"),
    Case("ints", "scipy.stats.chisquare(x).statistic, scipy.stats.iqr(x)"),
    Case("csr", "sparse.save_npz('a.npz', x)\nsparse.load_npz('a.npz')"),
    # scikit-learn: fitted estimators as results
    Case("scaler", "x.transform(X), x.mean_, x.fit_transform(X), x.inverse_transform(X)[0]"),
    Case("scaler", "x.get_params(), isinstance(x, base.BaseEstimator), base.clone(x).get_params()"),
    Case("scaler", "utils.validation.check_is_fitted(x)"),
    Case("scaler", "pipeline.make_pipeline(x, linear_model.Ridge()).fit(X, y).predict(X)[:3]"),
    Case(
        "scaler",
        "pipeline.Pipeline([('s', x), ('m', linear_model.LogisticRegression())]).fit(X, "
        "y).score(X, y)",
    ),
    Case("scaler", "pickle.loads(pickle.dumps(x)).mean_"),
    Case("scaler", "compose.ColumnTransformer([('s', x, [0, 1])]).fit_transform(X).shape"),
    Case("scaler", "x.set_params(with_mean=False).with_mean, str(x)"),
    Case("logistic", "x.predict(X), x.predict_proba(X)[:2], x.score(X, y), x.coef_, x.classes_"),
    Case("logistic", "base.is_classifier(x), x.n_features_in_, x.decision_function(X)[0]"),
    Case("logistic", "metrics.accuracy_score(y, x.predict(X))"),
    Case("logistic", "model_selection.cross_val_score(x, X, y, cv=3)"),
    Case("logistic", "base.clone(x).fit(X, y).score(X, y)"),
    Case("logistic", "ensemble.VotingClassifier([('a', x)]).fit(X, y).predict(X)[:3]"),
    Case("logistic", "metrics.get_scorer('accuracy')(x, X, y)"),
    Case(
        "logistic",
        "model_selection.GridSearchCV(x, {'C': [0.1, 1.0]}, cv=2).fit(X, y).best_params_",
    ),
    Case(
        "logistic",
        "inspection.permutation_importance(x, X, y, n_repeats=2, random_state=0).importances_mean",
    ),
    Case("logistic", "x.fit(X, 1 - y).predict(X)[:3]"),
    Case("logistic", "metrics.RocCurveDisplay.__name__"),
    Case("logistic", "metrics.roc_auc_score(y, x.predict_proba(X)[:, 1]), joblib.hash(x.coef_)"),
    Case("logistic", "utils.estimator_html_repr(x)[:6], base.BaseEstimator.get_params(x)['C']"),
    Case("logistic", "repr(x)", "repr"),
    Case("tree", "x.predict(X)[:5], x.feature_importances_, tree.export_text(x)"),
    Case("tree", "tree.plot_tree.__name__, x.tree_.node_count, x.get_depth(), x.apply(X)[:4]"),
    Case("tree", "tree.export_graphviz(x)[:7]"),
    Case("forest", "x.predict(X)[:3], len(x), x.estimators_[0].predict(X)[0], x[0].max_depth"),
    Case("forest", "[t.get_depth() for t in x][:2], x.feature_importances_, base.is_regressor(x)"),
    Case("kmeans", "x.labels_, x.predict(X)[:4], x.cluster_centers_, x.transform(X).shape"),
    Case("kmeans", "x.inertia_, metrics.silhouette_score(X, x.labels_)"),
    Case("pipe", "x.predict(X)[:3], x[-1].coef_, x.named_steps['ridge'].alpha, x.steps[0][0]"),
    Case("pipe", "len(x), x['standardscaler'].mean_"),
    Case("pipe", "x.set_params(ridge__alpha=2.0).fit(X, y).score(X, y), x[:-1].transform(X)[0]"),
    Case("pipe", "model_selection.cross_val_predict(x, X, y, cv=2)[:3], base.clone(x).steps[1][0]"),
    Case("pipe", "joblib.dump(x, 'p.joblib')\njoblib.load('p.joblib').predict(X)[:3]"),
    # scikit-learn: results as data and parameters
    Case("matrix", "preprocessing.StandardScaler().fit_transform(x)"),
    Case("matrix", "preprocessing.MinMaxScaler().fit(x).data_max_"),
    Case("matrix", "decomposition.PCA(2).fit_transform(x).round(6).shape"),
    Case("matrix", "linear_model.LinearRegression().fit(x, [1, 2, 3]).predict(x)"),
    Case("matrix", "neighbors.KNeighborsClassifier(1).fit(x, [0, 1, 0]).predict(x)"),
    Case("matrix", "cluster.KMeans(2, n_init=1, random_state=0).fit_predict(x)"),
    Case("matrix", "metrics.pairwise_distances(x)"),
    Case("matrix", "tree.DecisionTreeClassifier().fit(x, ['a', 'b', 'a']).predict(x)"),
    Case("matrix", "svm.SVC().fit(x, [0, 1, 0]).predict(x)"),
    Case("matrix", "model_selection.train_test_split(x, random_state=0)"),
    Case("matrix", "utils.shuffle(x, random_state=0), utils.check_array(x)"),
    Case("matrix", "utils.resample(x, random_state=0), preprocessing.normalize(x)"),
    Case("matrix", "naive_bayes.GaussianNB().fit(x, [0, 1, 0]).predict(x)"),
    Case("large", "preprocessing.scale(x)[:3], metrics.mean_squared_error(x, x * 2)"),
    Case(
        "large",
        "preprocessing.KBinsDiscretizer(2, encode='ordinal', "
        "quantile_method='averaged_inverted_cdf').fit_transform(x.reshape(-1, 1))[:3]",
    ),
    Case("split", "linear_model.LogisticRegression().fit(*x).coef_"),
    Case("split", "model_selection.train_test_split(*x, random_state=0)[2]"),
    Case("split", "linear_model.LogisticRegression().fit(x[0], x[1]).predict(x[0])"),
    Case("arrays", "linear_model.Ridge().fit(x['X'], x['y']).coef_"),
    Case("arrays", "linear_model.Ridge().fit(**x).intercept_, utils.Bunch(**x).X.shape"),
    Case("int vector", "metrics.confusion_matrix(x, x)"),
    Case("int vector", "metrics.accuracy_score(x, [3, 1, 2, 3, 2])"),
    Case("int vector", "preprocessing.LabelBinarizer().fit_transform(x)"),
    Case("int vector", "metrics.f1_score(x, x, average='macro')"),
    Case("int vector", "preprocessing.label_binarize(x, classes=[1, 2, 3])"),
    Case("int vector", "metrics.classification_report(x, x)"),
    Case("int vector", "linear_model.Ridge().fit(X[:5], x).coef_"),
    Case("int vector", "model_selection.StratifiedKFold(2).split(X[:5], x).__class__.__name__"),
    Case("int vector", "utils.multiclass.unique_labels(x), X[:5][x == 3]"),
    Case(
        "int vector",
        "utils.class_weight.compute_class_weight('balanced', classes=np.array([1, 2, 3]), y=x)",
    ),
    Case("names", "preprocessing.LabelEncoder().fit_transform(x)"),
    Case("names", "preprocessing.OneHotEncoder().fit_transform(x.reshape(-1, 1)).toarray()"),
    Case(
        "names",
        "feature_extraction.text.CountVectorizer(analyzer='char').fit_transform(x).toarray()",
    ),
    Case("words", "preprocessing.LabelEncoder().fit(x).classes_"),
    Case("words", "feature_extraction.text.TfidfVectorizer().fit_transform(x).toarray()"),
    Case("words", "feature_extraction.text.CountVectorizer().fit(x).get_feature_names_out()"),
    Case("words", "preprocessing.LabelEncoder().fit(x).transform(['fig'])"),
    Case("words", "metrics.accuracy_score(x, x)"),
    Case(
        "people",
        "feature_extraction.DictVectorizer(sparse=False).fit_transform([{'age': r['age']} "
        "for r in x])",
    ),
    Case(
        "people",
        "feature_extraction.FeatureHasher(4, input_type='string').transform([r['langs'] "
        "for r in x]).toarray()",
    ),
    Case("counts", "feature_extraction.DictVectorizer(sparse=False).fit_transform([x])"),
    Case("counts", "model_selection.ParameterGrid({'p': list(x)})[0]"),
    Case(
        "counts",
        "linear_model.LogisticRegression(class_weight={0: x['a'], 1: 1}).fit(X, y).coef_",
    ),
    Case("int", "cluster.KMeans(n_clusters=x, n_init=1, random_state=x).fit(X).labels_.max()"),
    Case(
        "int",
        "ensemble.RandomForestClassifier(n_estimators=x, random_state=x).fit(X, y).predict(X)[:3]",
    ),
    Case("int", "neighbors.KNeighborsRegressor(n_neighbors=x).fit(X, y).predict(X[:2])"),
    Case("int", "model_selection.train_test_split(X, y, random_state=x)[3]"),
    Case("int", "model_selection.KFold(x).get_n_splits(X)"),
    Case("int", "tree.DecisionTreeClassifier(max_depth=x, random_state=x).fit(X, y).get_depth()"),
    Case("int", "preprocessing.PolynomialFeatures(x - 5).fit_transform(X).shape"),
    Case("int", "decomposition.PCA(n_components=x - 5).fit(X).components_.shape"),
    Case("float", "linear_model.Ridge(alpha=x).fit(X, y).coef_"),
    Case("float", "linear_model.LogisticRegression(C=x).fit(X, y).coef_"),
    Case("float", "svm.SVC(C=x, gamma=x).fit(X, y).predict(X)[:3]"),
    Case("float", "linear_model.Lasso(alpha=x).get_params()"),
    Case("float", "cluster.DBSCAN(eps=x).fit(X).labels_[:2]"),
    Case("float", "model_selection.train_test_split(X, test_size=x / 10, random_state=0)[1].shape"),
    Case("float", "metrics.fbeta_score(y, y, beta=x)"),
    Case("float", "base.clone(linear_model.Ridge(alpha=x)).alpha"),
    Case(
        "float",
        "model_selection.GridSearchCV(linear_model.Ridge(), {'alpha': [x, 1.0]}, "
        "cv=2).fit(X, y).n_splits_",
    ),
    Case(
        "floats",
        "model_selection.GridSearchCV(linear_model.Ridge(), {'alpha': [abs(v) for v in "
        "x]}, cv=2).fit(X, y).best_params_",
    ),
    Case("floats", "linear_model.RidgeCV(alphas=[abs(v) for v in x]).fit(X, y).alpha_"),
    Case("floats", "metrics.mean_absolute_error(x, x), metrics.r2_score(x, [0, 1, 2, 3])"),
    Case("str", "linear_model.LogisticRegression().set_params(warm_start=bool(x)).warm_start"),
    Case(
        "str",
        "pipeline.Pipeline([(x, "
        "preprocessing.StandardScaler())]).fit(X).named_steps['banana'].mean_",
    ),
    Case(
        "str",
        "impute.SimpleImputer(strategy='constant', "
        "fill_value=x).fit_transform(np.array([['a'], [None]], dtype=object))",
    ),
    Case("true", "linear_model.LinearRegression(fit_intercept=x).fit(X, y).intercept_"),
    Case("true", "preprocessing.StandardScaler(with_mean=x).fit(X).mean_"),
    Case("true", "preprocessing.PolynomialFeatures(include_bias=x).fit_transform(X).shape"),
    Case("true", "metrics.accuracy_score(y, y, normalize=x)"),
    Case("none", "tree.DecisionTreeClassifier(max_depth=x, random_state=0).fit(X, y).get_depth()"),
    Case("none", "linear_model.LogisticRegression(class_weight=x).fit(X, y).coef_"),
    Case("none", "metrics.accuracy_score(y, y, sample_weight=x)"),
    Case("none", "utils.check_random_state(0).rand()"),
    Case("pair", "preprocessing.MinMaxScaler(feature_range=x).fit_transform(X)[0]"),
    Case(
        "pair",
        "feature_extraction.text.CountVectorizer(ngram_range=(1, x[0] - 1)).fit(['to be or "
        "not']).vocabulary_",
    ),
    Case("csr", "linear_model.Ridge().fit(x, [1, 2]).predict(x)"),
    Case("csr", "preprocessing.MaxAbsScaler().fit_transform(x).toarray()"),
    Case("csr", "decomposition.TruncatedSVD(1, random_state=0).fit(x).singular_values_.round(4)"),
    Case("csr", "preprocessing.normalize(x)"),
    Case("csr", "feature_extraction.text.TfidfTransformer().fit_transform(x)"),
    Case("numeric frame", "linear_model.LinearRegression().fit(x[['a', 'b']], x['c']).coef_"),
    Case("numeric frame", "preprocessing.StandardScaler().fit(x).feature_names_in_"),
    Case("numeric frame", "model_selection.train_test_split(x, random_state=0)[0].shape"),
    Case("numeric frame", "decomposition.PCA(2).fit_transform(x).shape"),
    Case(
        "numeric frame",
        "preprocessing.StandardScaler().set_output(transform='pandas').fit_transform(x).head(1)",
    ),
    Case("frame", "preprocessing.OneHotEncoder().fit_transform(x[['shop']]).toarray()"),
    Case(
        "frame",
        "compose.make_column_transformer((preprocessing.StandardScaler(), ['units']), "
        "(preprocessing.OneHotEncoder(), ['shop'])).fit_transform(x)",
    ),
    Case("frame", "preprocessing.OrdinalEncoder().fit(x[['shop']]).categories_[0]"),
    Case("frame", "impute.SimpleImputer().fit_transform(x[['price']])"),
    Case(
        "frame",
        "compose.make_column_transformer((preprocessing.StandardScaler(), "
        "compose.make_column_selector(dtype_include='number'))).fit(x).get_feature_names_out()",
    ),
    Case("frame", "model_selection.GroupKFold(2).get_n_splits(x, groups=x.shop)"),
    Case(
        "frame",
        "tree.DecisionTreeRegressor().fit(x[['units']], x['units']).predict(x[['units']])",
    ),
    Case("series", "preprocessing.LabelEncoder().fit_transform(x)"),
    Case("series", "metrics.mean_squared_error(x, x + 1)"),
    Case("series", "linear_model.Ridge().fit(X[:4], x).coef_"),
    Case("series", "utils.check_consistent_length(x, [1, 2, 3, 4])"),
    Case("series", "model_selection.train_test_split(x, random_state=0)[1]"),
]
