import pytest

from filters.model_licences import known_licence


@pytest.mark.parametrize(
    ("model", "licence"),
    [
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "Apache-2.0"),
        ("Qwen/Qwen2.5-Coder-3B", "LicenseRef-Qwen-Research"),
        ("Qwen/Qwen2.5-Coder-3B-Instruct-GGUF", "LicenseRef-Qwen-Research"),
        ("Qwen2.5-Coder-3B-Instruct", "LicenseRef-Qwen-Research"),
        ("qwen2.5-coder-14b-instruct-awq", "Apache-2.0"),
        ("somebody/Qwen2.5-Coder-3B-Instruct", None),
        ("my-model", None),
    ],
)
def test_a_model_is_known_by_its_hub_id_and_by_its_name_alone(model: str, licence: str | None) -> None:
    assert known_licence(model) == licence
