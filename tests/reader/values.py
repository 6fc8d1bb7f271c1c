"""Values of a hongbao store, decoded by the types that docs/FORMATS.md spells out, in the block named `schema`."""

import re


class Damaged(Exception):
    """A place where the bytes are not what a journal holds."""


def check(holds, why):
    if not holds:
        raise Damaged(why)


# ---- Types.

def read_types(page):
    """The declarations by their names: an alias, the fields of a struct, or the variants of an enum."""
    block = re.search(r"^```schema\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)[1]
    words = re.findall(r"\w+|[^\w\s]", block)
    words.reverse()
    types = {}
    while words:
        kind, name = words.pop(), words.pop()
        if kind == "type":
            assert words.pop() == "="
            types[name] = read_type(words)
        elif kind == "struct":
            types[name] = ("struct", read_fields(words))
        else:
            assert kind == "enum" and words.pop() == "{"
            variants = []
            while words[-1] != "}":
                assert int(words.pop()) == len(variants), f"the variants of {name} are numbered in their order"
                variants.append((words.pop(), read_variant(words)))
                if words[-1] == ",":
                    words.pop()
            words.pop()
            types[name] = ("enum", variants)
    return types


def read_variant(words):
    if words[-1] == "(":
        fields = read_list(words)
        return fields[0] if len(fields) == 1 else ("tuple", fields)
    return ("struct", read_fields(words)) if words[-1] == "{" else None


def read_type(words):
    if words[-1] == "(":
        return ("tuple", read_list(words))
    name = words.pop()
    if words and words[-1] == "<":
        words.pop()
        inner = read_type(words)
        assert words.pop() == ">"
        return (name, inner)
    return name


def read_list(words):
    words.pop()
    found = []
    while words[-1] != ")":
        found.append(read_type(words))
        if words[-1] == ",":
            words.pop()
    words.pop()
    return found


def read_fields(words):
    assert words.pop() == "{"
    fields = []
    while words[-1] != "}":
        name = words.pop()
        assert words.pop() == ":"
        fields.append((name, read_type(words)))
        if words[-1] == ",":
            words.pop()
    words.pop()
    return fields


# ---- Values.

class Values:
    """Takes values off the front of some bytes."""

    def __init__(self, data, types):
        self.data, self.types, self.at = data, types, 0

    def more(self):
        return self.at < len(self.data)

    def take(self, length):
        taken = self.data[self.at : self.at + length]
        check(len(taken) == length, "a value ends too early")
        self.at += length
        return taken

    def number(self):
        first = self.take(1)[0]
        if first < 251:
            return first
        check(first < 255, "a number has a width that there is not")
        return int.from_bytes(self.take(1 << (first - 250)), "little")

    def value(self, kind):
        if isinstance(kind, str):
            return self.named(kind)
        form, inside = kind
        if form == "struct":
            return {name: self.value(field) for name, field in inside}
        if form == "tuple":
            return [self.value(field) for field in inside]
        if form == "Vec":
            return [self.value(inside) for _ in range(self.number())]
        if form == "Option":
            there = self.take(1)[0]
            check(there < 2, "an option is neither none nor some")
            return self.value(inside) if there else None
        index = self.number()
        check(index < len(inside), "an enum has a variant that there is not")
        name, fields = inside[index]
        return name if fields is None else {name: self.value(fields)}

    def named(self, name):
        if name in ("u32", "u64", "u128"):
            return self.number()
        if name == "u8":
            return self.take(1)[0]
        if name == "bool":
            byte = self.take(1)[0]
            check(byte < 2, "a bool is neither false nor true")
            return byte == 1
        if name == "String":
            return self.take(self.number()).decode("utf-8")
        return self.value(self.types[name])


def whole(data, kind, types):
    """The value that these bytes are, and nothing behind it."""
    values = Values(data, types)
    value = values.value(kind)
    check(not values.more(), "bytes are left behind a value")
    return value
