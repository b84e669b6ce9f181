"""Whether everything is as it should be, in words for people and in numbers for machines."""
