"""BLAKE3 without a key, 32 bytes, slowly: Python's standard library does not have it."""

import struct

FIRST = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
COLUMNS_AND_DIAGONALS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
BLOCK_BYTES, CHUNK_BYTES, ROUNDS, WORD = 64, 1024, 7, 0xFFFFFFFF


def turned(word, bits):
    return (word >> bits | word << (32 - bits)) & WORD


def compress(chaining, block, counter, length, flags):
    state = [*chaining, *FIRST[:4], counter & WORD, counter >> 32, length, flags]
    words = struct.unpack("<16I", block)
    for _ in range(ROUNDS):
        for place, (a, b, c, d) in enumerate(COLUMNS_AND_DIAGONALS):
            for word, first, second in ((words[2 * place], 16, 12), (words[2 * place + 1], 8, 7)):
                state[a] = (state[a] + state[b] + word) & WORD
                state[d] = turned(state[d] ^ state[a], first)
                state[c] = (state[c] + state[d]) & WORD
                state[b] = turned(state[b] ^ state[c], second)
        words = [words[place] for place in ORDER]
    return [front ^ back for front, back in zip(state[:8], state[8:])]


def subtree(data, counter, root):
    """The chaining value of some whole chunks, of which the first is number `counter`."""
    if len(data) > CHUNK_BYTES:
        # To the left stand as many chunks as make a full tree and leave something for the right.
        left = CHUNK_BYTES
        while left * 2 < len(data):
            left *= 2
        both = subtree(data[:left], counter, 0) + subtree(data[left:], counter + left // CHUNK_BYTES, 0)
        return compress(FIRST, struct.pack("<16I", *both), 0, BLOCK_BYTES, PARENT | root)
    chaining, last = FIRST, max(0, (len(data) - 1) // BLOCK_BYTES)
    for place in range(last + 1):
        block = data[place * BLOCK_BYTES : (place + 1) * BLOCK_BYTES]
        flags = (CHUNK_START if place == 0 else 0) | (CHUNK_END | root if place == last else 0)
        chaining = compress(chaining, block.ljust(BLOCK_BYTES, b"\0"), counter, len(block), flags)
    return chaining


def blake3(data):
    return struct.pack("<8I", *subtree(data, 0, ROOT))
