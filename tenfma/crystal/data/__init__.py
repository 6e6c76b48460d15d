"""Tables that the package ships, and the scripts that wrote them."""
