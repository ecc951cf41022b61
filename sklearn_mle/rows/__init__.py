"""Where the data live: whoever can add up a function over blocks of rows."""
