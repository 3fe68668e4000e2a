"""Late-interaction models: the interface of their encoders, the catalogue, and loading."""
