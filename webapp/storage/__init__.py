"""Where media and what is made of them are kept: a folder of this machine, or a bucket that several machines share."""
