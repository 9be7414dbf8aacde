"""The data contract: documents, ledgers, records, storage, errors. Imports nothing of corpusmill's other packages."""
