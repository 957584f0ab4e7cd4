"""Which methods of SDK v1's ``Run`` does a run not have that is asked from outside of it?"""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent

__all__ = ["INSIDE", "InsideAlone"]

INSIDE = "call it inside a step's script, on Run.get_context()"


class InsideAlone:
    """Each says what to do instead; most are the script's own, which says them of the run it is in."""

    add_type_provider = absent("Run.add_type_provider", "leave it out")
    create_children = absent("Run.create_children", INSIDE)
    list_by_compute = absent("Run.list_by_compute", "use Experiment.get_runs()")
    log = absent("Run.log", INSIDE)
    log_accuracy_table = absent("Run.log_accuracy_table", INSIDE)
    log_confusion_matrix = absent("Run.log_confusion_matrix", INSIDE)
    log_image = absent("Run.log_image", INSIDE)
    log_list = absent("Run.log_list", INSIDE)
    log_predictions = absent("Run.log_predictions", INSIDE)
    log_residuals = absent("Run.log_residuals", INSIDE)
    log_row = absent("Run.log_row", INSIDE)
    log_table = absent("Run.log_table", INSIDE)
    start = absent("Run.start", "submit a pipeline")
    submit_child = absent("Run.submit_child", "make the work a step of the pipeline")
    take_snapshot = absent("Run.take_snapshot", "leave it out: submitting takes snapshots")
    upload_file = absent("Run.upload_file", INSIDE)
    upload_files = absent("Run.upload_files", INSIDE)
    upload_folder = absent("Run.upload_folder", INSIDE)
