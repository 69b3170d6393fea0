"""What a run leaves on the disk, and how it is read back.

    files.py        files that appear whole or not at all; refusals of the disk, damaged files
    lock.py         one run at a time in a directory
    formats/        output formats, a file or a folder each; base.py says what one is
    table.py        what every file keeps of its stimuli, as JSON
    csv_table.py    the same beside the results file, as CSV
    archive.py      archives of torch.save with a JSON record in them
    checkpoint.py   what the newest run in a directory has committed
    writer.py       commits parts, and makes the results file of them
    dataset.py      a dataset, finished or interrupted, its arrays read when asked for
    reader.py       spikes of many stimuli, as training wants them

Importing the modules is quick: torch, h5py and pandas are imported by the functions that need them
(``reader.py``, which is for training, imports torch).
"""
