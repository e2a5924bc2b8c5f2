"""The exceptions that graphllm raises on purpose.

* GraphLLMError
  - ConfigError (also ValueError): a setting is missing, unknown or out of range
  - DataError (also ValueError): a file or graph is not what its format says
    + IndexDamagedError: an index on disk fails its own checks
  - PlanError (also ValueError): a plan cannot be read, or does not fit the graph
  - LanguageModelError (also RuntimeError): a language model, or the way to it, failed
  - TrainingError (also RuntimeError): a training cannot go on
  - BusyError (also RuntimeError): another process is writing the same index
  - MissingExtraError (also ImportError): an optional dependency is not installed
"""


class GraphLLMError(Exception):
    """Base of every error a caller may want to catch; the CLI prints it without a traceback."""


class ConfigError(GraphLLMError, ValueError):
    """A setting is missing, unknown or out of range."""


class DataError(GraphLLMError, ValueError):
    """A file or a graph is not what its format says."""


class IndexDamagedError(DataError):
    """An index on disk fails its own checks; building it again mends it."""


class PlanError(GraphLLMError, ValueError):
    """A plan cannot be read, or asks for what the graph does not have."""


class LanguageModelError(GraphLLMError, RuntimeError):
    """A language model cannot be reached, does not answer in time, or answers with nonsense."""


class TrainingError(GraphLLMError, RuntimeError):
    """A training cannot go on: its loss or a gradient is not a finite number."""


class BusyError(GraphLLMError, RuntimeError):
    """Another process is writing the same index."""


class MissingExtraError(GraphLLMError, ImportError):
    """An optional dependency is needed but not installed."""
