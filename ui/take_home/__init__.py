"""Scripts and notebooks that measure a result again, made of its run record."""
