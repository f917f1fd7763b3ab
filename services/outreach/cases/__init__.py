"""What a case is: decided anew from what is on record, whenever something is heard or time passes."""
