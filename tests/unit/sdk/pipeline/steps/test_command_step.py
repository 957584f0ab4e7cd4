"""What does CommandStep accept, and what does a shell read of it?"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.spec.step import CommandLine, InputArgument, LiteralArgument, OutputArgument, ParameterArgument, StepSpec
from azureml.core import Dataset, Datastore, RunConfiguration, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter, Volatile
from azureml.pipeline.steps import CommandStep


def command(*given: Any, **changes: Any) -> CommandStep:
    return CommandStep(*given, **{"source_directory": "src", **changes})


def only(ws: Workspace, step: CommandStep) -> StepSpec:
    return lower_pipeline(Pipeline(ws, step), "nightly").steps[0]


def line_of(ws: Workspace, *given: Any, **changes: Any) -> str:
    command_line = only(ws, command(*given, **changes)).command
    assert isinstance(command_line, CommandLine)
    return command_line.line


def test_a_text_is_the_shells_as_it_stands(ws: Workspace) -> None:
    text = "pip install -r requirements.txt && python train.py --out \"$out\" | tee log.txt; echo 'done $1'"
    step = only(ws, command(text))
    assert (step.command, step.arguments) == (CommandLine(line=text), ())


def test_what_is_known_in_a_run_only_is_a_word_of_its_own_for_the_shell(ws: Workspace) -> None:
    """S08."""
    data = Dataset.File.from_files((Datastore.get(ws, "workspaceblobstore"), "images"), validate=False).as_named_input("images").as_mount()
    out = OutputFileDatasetConfig("model")
    step = only(
        ws, command(["python train.py", "--data", data, "--rate", PipelineParameter("rate", 0.5), Volatile("build 7"), "--out", out])
    )
    assert step.command == CommandLine(line='python train.py --data "$1" --rate "$2" "$3" --out "$4"')
    assert step.arguments == (
        InputArgument(input="images"),
        ParameterArgument(parameter="rate"),
        LiteralArgument(value="build 7", volatile=True),
        OutputArgument(output="model"),
    )
    assert [item.name for item in step.inputs] == ["images"]
    assert [item.name for item in step.outputs] == ["model"]


def test_the_tenth_value_of_a_run_is_not_the_first_one_and_a_zero(ws: Workspace) -> None:
    line = line_of(ws, ["echo", *(PipelineParameter(f"p{number}", number) for number in range(1, 11))])
    assert line.endswith('"$9" "${10}"')


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["python", "train.py", "--epochs", 3, "--rate", 0.5, "--shuffle", True], "python train.py --epochs 3 --rate 0.5 --shuffle True"),
        (["echo", "hello world"], 'echo "hello world"'),
        (["cat a.txt", "&&", "cat", "b.txt", "|", "sort", ">", "out.txt", "2>&1"], "cat a.txt && cat b.txt | sort > out.txt 2>&1"),
        (["launch", "--node_rank", "$NODE_RANK", "${MASTER_ADDR}:1"], 'launch --node_rank "$NODE_RANK" "${MASTER_ADDR}:1"'),
        (["echo", "a;b", "$(id)", "`id`", "$1", 'say "it"', "back\\slash", "*"], None),
        (["echo", ""], 'echo ""'),
    ],
)
def test_items_of_a_list_are_words_unless_they_are_an_operator_or_name_a_variable(
    ws: Workspace, words: list[Any], line: str | None
) -> None:
    found = line_of(ws, words)
    if line is not None:
        assert found == line
    else:
        said = subprocess.run(["sh", "-c", found.replace("echo", "printf '%s\\n'", 1)], capture_output=True, text=True, check=True)
        assert said.stdout.splitlines() == words[1:]


def test_a_variable_that_no_shell_can_read_is_refused(ws: Workspace) -> None:
    data = PipelineData("données")
    with pytest.raises(DefinitionError, match="reads \\$AZUREML_DATAREFERENCE_données, which is no name of a variable for a shell"):
        line_of(ws, f"train --out {data}", outputs=[data])


def test_data_turned_into_text_is_the_variable_that_sdk_v1_set_for_it(ws: Workspace) -> None:
    out = OutputFileDatasetConfig("model")
    assert line_of(ws, "train --out $AZUREML_DATAREFERENCE_model", outputs=[out]) == "train --out $AZUREML_DATAREFERENCE_model"
    assert line_of(ws, f"train out={out.arg_val} x", outputs=[out]) == 'train out="${AZUREML_DATAREFERENCE_model}" x'
    with pytest.raises(DefinitionError, match="no input or output 'modle'"):
        line_of(ws, "train --out $AZUREML_DATAREFERENCE_modle", outputs=[OutputFileDatasetConfig("model")])


def test_a_parameter_turned_into_text_is_refused(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match="holds PipelineParameter 'rate', turned into text"):
        only(ws, command(f"train --rate {PipelineParameter('rate', 0.5)}"))


def test_the_name_is_that_of_the_first_word(ws: Workspace) -> None:
    assert command("python train.py").name == "CommandStep_python"
    assert command(["'my tool' --fast", 1]).name == "CommandStep_my tool"
    assert command("it's", name="quoted").name == "quoted"


def test_the_command_may_stand_in_the_run_configuration(ws: Workspace) -> None:
    config = RunConfiguration(command="python train.py")
    assert line_of(ws, runconfig=config) == "python train.py"
    assert line_of(ws, "python other.py", runconfig=config) == "python other.py"


@pytest.mark.parametrize("given", [None, "", "  ", [], [3], [PipelineParameter("p", 1)], 7])
def test_a_step_without_a_command_is_refused(ws: Workspace, given: Any) -> None:
    with pytest.raises(ValueError, match="command must be text, or a list that begins with text"):
        command(given)


def test_a_source_directory_that_is_not_there_is_refused_at_once(ws: Workspace) -> None:
    with pytest.raises(ValueError, match="source_directory 'srcs' does not exist"):
        command("ls", source_directory="srcs")


def test_without_a_source_directory_the_current_folder_is_taken_whatever_the_pipelines_default(ws: Workspace, project: Path) -> None:
    (spec,) = lower_pipeline(Pipeline(ws, CommandStep("ls"), default_source_directory="src"), "nightly").steps
    assert spec.source.directory == "."
