"""The memory as tools of the Model Context Protocol: over stdio (`memsvc mcp`) and over HTTP (`/mcp` of the service).

The SDK's plain `Server` is used and not its `MCPServer`. That one reads an argument that happens to be JSON as what it
spells, so that the message `["a"]` would not be stored as it was said; it drops arguments that it does not know; and it
sets up the logging of the whole process.
"""
