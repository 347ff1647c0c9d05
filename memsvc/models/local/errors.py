"""What an in-process model can refuse; all of it is permanent, so a retry is useless.

ModelRefused
├── ModelUnusable       not found, not loadable on this device, or not made for chats
├── PromptTooLong       more tokens than the context window has
├── OutOfMemory         one prompt alone is more than the device can hold
└── UnsupportedSchema   a JSON schema that decoding cannot be constrained to
"""

from __future__ import annotations

from memsvc_retrievers.errors import ModelRefused


class ModelUnusable(ModelRefused):
    """A model that is not found, cannot be loaded on this device, or is not made for chats."""


class PromptTooLong(ModelRefused):
    """A prompt has more tokens than the model's context window."""


class OutOfMemory(ModelRefused):
    """One prompt alone is more than the device can hold."""


class UnsupportedSchema(ModelRefused):
    """A JSON schema that decoding cannot be constrained to."""
