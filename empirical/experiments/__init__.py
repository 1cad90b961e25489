"""The experiments, a room each: plan, measure, figure, printed words and command."""
