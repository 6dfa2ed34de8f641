"""What Process Run Crate 0.5 requires, as far as a quick look can tell; `make test-crates` runs its own validator."""

REQUIRED = {
    "CreateAction": ("name", "instrument", "result"),
    "SoftwareApplication": ("name",),
    "File": ("name", "encodingFormat"),
    "PropertyValue": ("name", "value"),
}


def problems_of(metadata, files):
    """What is wrong with the text of `ro-crate-metadata.json` for a crate of these other files."""
    entities = metadata["@graph"]
    by_id = {entity["@id"]: entity for entity in entities}
    problems = (
        [f"{len(entities) - len(by_id)} entities twice"] if len(by_id) < len(entities) else []
    )
    for entity in entities:
        for name, value in entity.items():
            members = value if isinstance(value, list) else [value]
            if isinstance(value, list) and len(value) == 1:
                problems.append(f"{entity['@id']}.{name} is a list of one")
            named = [each["@id"] for each in members if isinstance(each, dict)]
            problems += [
                f"{each} of {entity['@id']} is not described"
                for each in named
                if each not in by_id and not each.startswith("https://w3id.org/ro/crate/")
            ]
        kind = entity["@type"]
        problems += [
            f"{entity['@id']} has no {name}"
            for name in REQUIRED.get(kind, ())
            if not entity.get(name)
        ]
    root = by_id["./"]
    problems += [
        f"the crate has no {name}"
        for name in ("name", "description", "datePublished", "license")
        if not root.get(name)
    ]
    if {"@id": "https://w3id.org/ro/wfrun/process/0.5"} != root["conformsTo"]:
        problems.append("it does not conform to the profile")
    listed = {entity["@id"] for entity in entities if entity["@type"] == "File"}
    problems += [f"{path} is not described" for path in files - listed]
    problems += [f"{path} does not exist" for path in listed - files]
    parts = root["hasPart"] if isinstance(root["hasPart"], list) else [root["hasPart"]]
    problems += [f"{path} is no part" for path in files - {part["@id"] for part in parts}]
    return problems
