"""Model clients behind one protocol. The only importer of the model SDK."""

from cds_service.llm.calls import ask_in_time
from cds_service.llm.model import Ask, Model, ModelFailed, OutOfTime, Reply, ToolSpec, Usage

__all__ = ["Ask", "Model", "ModelFailed", "OutOfTime", "Reply", "ToolSpec", "Usage", "ask_in_time"]
