"""The Compare models tab: two models on one judged collection."""
