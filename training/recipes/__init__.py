"""Recipes: each file lists its family's as RECIPES."""
