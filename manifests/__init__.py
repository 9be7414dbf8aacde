"""The data contract: documents, ledgers, records, storage and errors. Imports nothing of corpusmill's other packages."""
