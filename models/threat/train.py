#!/usr/bin/env python3
"""Trains the model of the demo "threat": is a network connection an attack?

    python3 train.py --data DIR
"""
import os
import sys
import warnings

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from export_sklearn import export  # noqa: E402
from square_network import as_estimator, even, fit, hidden_values, predict  # noqa: E402
from synthetic import describe_rows, draw_rows, save  # noqa: E402
from tabular import plain, start, write_model  # noqa: E402

TRAIN, TEST = "nsl-kdd/KDDTrain+_20Percent.txt", "nsl-kdd/KDDTest+.txt"
NAMES = """duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot num_failed_logins logged_in
num_compromised root_shell su_attempted num_root num_file_creations num_shells num_access_files num_outbound_cmds is_host_login
is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate diff_srv_rate
srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate dst_host_diff_srv_rate dst_host_same_src_port_rate
dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate dst_host_rerror_rate dst_host_srv_rerror_rate
label difficulty""".split()
TEXTS = ["protocol_type", "service", "flag"]
# Kinds of attack that are left out of training together, to see what the model makes of attacks it has never met.
UNSEEN = [["neptune"], ["smurf", "teardrop", "pod", "land", "back"], ["satan", "nmap"], ["ipsweep", "portsweep"],
          ["warezclient", "warezmaster", "guess_passwd", "imap", "ftp_write", "phf", "multihop", "spy", "buffer_overflow",
           "rootkit", "loadmodule", "perl"]]
PROBES = {"satan", "nmap", "ipsweep", "portsweep", "mscan", "saint"}
FLOODS = {"neptune", "smurf", "teardrop", "pod", "land", "back", "apache2", "mailbomb", "processtable", "udpstorm", "worm"}


def read(path):
    table = pd.read_csv(path, names=NAMES)
    return table, (table.label != "normal").values.astype(float)


def encoder(columns):
    return ColumnTransformer([
        ("texts", OneHotEncoder(handle_unknown="ignore"), TEXTS),
        ("numbers", KBinsDiscretizer(8, encode="onehot"), [c for c in columns if c not in TEXTS])],
        sparse_threshold=1)


def family(label):
    return "normal" if label == "normal" else "probe" if label in PROBES else "flood" if label in FLOODS else "access"


def main():
    warnings.filterwarnings("ignore", "Bins whose width|Feature .* is constant")  # most columns are mostly 0: fewer bins then
    data, out, log = start(__file__, __doc__.split("\n")[0])
    table, y = read(os.path.join(data, TRAIN))
    columns = [c for c in NAMES[:41] if table[c].nunique() > 1]
    log(f"training file: {len(table)} connections, {int(y.sum())} attacks; without a constant: {len(columns)} columns")

    i = np.arange(len(table))
    validation = i % 5 == 4
    found = {}

    def check(name, make):
        """make(x, y) -> decision function. Accuracy on a fifth, and how many of the attacks left out are found."""
        x = encoder(columns).fit(table.loc[~validation, columns])
        decide = make(x.transform(table.loc[~validation, columns]), y[~validation])
        right = ((decide(x.transform(table.loc[validation, columns])) > 0) == y[validation]).mean()
        unseen = []
        for kinds in UNSEEN:
            held = table.label.isin(kinds).values
            keep = ~validation & ~held
            x = encoder(columns).fit(table.loc[keep, columns])
            decide = make(x.transform(table.loc[keep, columns]), y[keep])
            unseen.append((decide(x.transform(table.loc[held, columns])) > 0).mean())
        found[name] = (right + np.mean(unseen)) / 2
        log(f"{name}: validation accuracy {100 * right:.2f} %, of attacks of kinds left out found "
            + ", ".join(f"{100 * u:.1f}" for u in unseen) + f" %; score {found[name]:.4f}")

    for c in (1, 10):
        check(f"logistic regression, C {c:g}", lambda x, y, c=c: LogisticRegression(C=c, max_iter=1000).fit(x, y).decision_function)
    for hidden, decay in ((4, 1e-3), (8, 1e-4), (8, 1e-3), (8, 1e-2)):
        def make(x, y, hidden=hidden, decay=decay):
            network = fit(x, y, hidden, decay, "logistic")
            return lambda z: predict(network, z)
        check(f"{hidden} squares, decay {decay:g}", make)
    best = max(found, key=found.get)
    log(f"chosen: {best}; fitted again on the whole training file")

    x = encoder(columns).fit(table[columns])
    z = x.transform(table[columns])
    if "squares" in best:
        network = even(fit(z, y, int(best.split()[0]), float(best.split()[-1]), "logistic"), z)
        decide, last = lambda z: predict(network, z), as_estimator(network, ["normal", "attack"])
        h = hidden_values(network, z)
        log(f"{z.shape[1]} inputs; hidden values up to {np.abs(h).max():.2f} on the training file, "
            f"output from {decide(z).min():.1f} to {decide(z).max():.1f}; weights up to {np.abs(network[0]).max():.2f} and {np.abs(network[2]).max():.2f}")
    else:
        last = LogisticRegression(C=float(best.split()[-1]), max_iter=1000).fit(z, np.where(y == 1, "attack", "normal"))
        sign = 1 if last.classes_[1] == "attack" else -1
        decide = lambda z: sign * last.decision_function(z)  # noqa: E731

    new, truth = read(os.path.join(data, TEST))
    score = decide(x.transform(new[columns]))
    right = ((score > 0) == truth).mean()
    log(f"test: {len(new)} connections, accuracy {100 * right:.2f} %, AUC {roc_auc_score(truth, score):.4f}, "
        f"attacks found {100 * (score[truth == 1] > 0).mean():.2f} %, false alarms {100 * (score[truth == 0] > 0).mean():.2f} %, "
        f"output from {score.min():.1f} to {score.max():.1f}")
    known = new.label.isin(set(table.label)).values
    log(f"  attacks of kinds in the training file {100 * (score[known & (truth == 1)] > 0).mean():.1f} % of {(known & (truth == 1)).sum()} found, "
        f"of other kinds {100 * (score[~known] > 0).mean():.1f} % of {(~known).sum()}")
    plainer = LogisticRegression(C=1, max_iter=1000).fit(z, y)
    log(f"  logistic regression on the same inputs: accuracy {100 * ((plainer.decision_function(x.transform(new[columns])) > 0) == truth).mean():.2f} %")

    write_model(export(Pipeline([("encode", x), ("decide", last)]), columns, None, name="threat"), out,
                {"file": TEST, "rows": "all", "count": len(new), "header": NAMES, "target": "label",
                 "negative": "normal", "metric": "accuracy", "clear": plain(right)}, log)
    groups = np.array([family(label) for label in table.label])
    spec = describe_rows(table[columns], groups, "threat", "Not connections: drawn from rounded statistics of NSL-KDD.", levels=16)
    save(spec, os.path.join(out, "synthetic.json"))
    rows = draw_rows(spec, 4000)
    drawn = pd.DataFrame([cells for _, cells in rows], columns=columns)
    said = decide(x.transform(drawn)) > 0
    log(f"4000 synthetic connections: accuracy {100 * (said == [label != 'normal' for label, _ in rows]).mean():.2f} %")


if __name__ == "__main__":
    main()
