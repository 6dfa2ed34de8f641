"""`model` is data: ids, records, references and queries, which do nothing."""
