"""What the training scripts of the tabular models share: arguments, log, the split, and the files written."""
import argparse
import json
import os
import sys

import numpy as np
from threadpoolctl import threadpool_limits


def start(script, description, log_name="train.log"):
    """-> (data folder, folder of the model, log function). Exits with a message where the data is not there."""
    here = os.path.dirname(os.path.abspath(script))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", default=os.path.join(here, "../../../shared/data"), help="folder of the data sets")
    parser.add_argument("--out", default=here, help="folder for what is written")
    args = parser.parse_args()
    if not os.path.isdir(args.data):
        sys.exit(f"the data is not here ({args.data}): nothing to train on; see README.md for its source")
    file = open(os.path.join(args.out, log_name), "w", encoding="utf-8")

    def log(text):
        print(text, flush=True)
        print(text, file=file, flush=True)

    threadpool_limits(1)  # one thread sums in one order: the same weights on every run
    import pandas
    import sklearn
    log(f"numpy {np.__version__}, pandas {pandas.__version__}, scikit-learn {sklearn.__version__}")
    return args.data, args.out, log


def fifths(n):
    """Row i of the file, counted from 0 after the header: test when i % 5 == 4, validation when i % 5 == 3."""
    i = np.arange(n)
    return i % 5 < 3, i % 5 == 3, i % 5 == 4


def write_model(model, out, test, log):
    """model.json, and test.json: which rows are held out, and what the model reaches on them in the clear."""
    for name, value, indent in (("model.json", model, None), ("test.json", test, 2)):
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, allow_nan=False, indent=indent)
            file.write("\n")
    log(f"model.json: {os.path.getsize(os.path.join(out, 'model.json'))} bytes")


def plain(value, digits=6):
    """Numbers of a log or of `test`, without numpy's types."""
    return round(float(value), digits)
