"""The customer's link and page. A customer has no account: the link is the key."""
