"""Runs a notebook with the kernel "deno" and writes it with its outputs: run-notebook.py NOTEBOOK FOLDER OUTPUT."""

import sys

import nbformat
from nbclient import NotebookClient

source, folder, target = sys.argv[1:]
notebook = nbformat.read(source, 4)
NotebookClient(notebook, timeout=300, kernel_name="deno", resources={"metadata": {"path": folder}}).execute()
for cell in notebook.cells:
    # Times of execution, and what the kernel says about itself, are nobody's business.
    cell.metadata.clear()
    if cell.cell_type == "code":
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
nbformat.write(notebook, target)
