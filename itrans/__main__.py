"""`python -m itrans`, and `torchrun -m itrans` for several processes."""

from itrans.cli import main

if __name__ == "__main__":
    main()
