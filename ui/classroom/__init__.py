"""A class: a teacher moves the steps of a lesson, students predict, and one measurement is revealed to all."""
