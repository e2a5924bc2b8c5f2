"""``python -m graphllm.cli`` is ``graphllm``."""

from graphllm.cli.group import main

if __name__ == "__main__":
    main()
