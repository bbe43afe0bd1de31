"""Which of several equals takes the next piece of work: servers that are asked, and later addresses that are given."""
