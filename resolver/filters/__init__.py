"""Names and answers that are decided here, whatever others say of them."""
