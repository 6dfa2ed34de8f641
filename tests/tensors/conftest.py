"""These tests run where torch is installed (`make test-torch`): its wheels weigh gigabytes, so that the lock has none."""

from importlib.util import find_spec

collect_ignore = (
    []
    if find_spec("torch")
    else ["tensor_values.py", "test_tensors.py", "test_tensor_pairs.py", "test_torch_serializer.py"]
)
