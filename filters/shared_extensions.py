r"""Marks: what tells the languages apart that share a file name extension (`.h`, `.m`, `.pl`, `.v` and 130 others).

A mark is a piece of text, in lower case; one that starts with LF stands at the start of a line. The first language of
an extension with a mark in the text has it, so that the order is from the sure sign to the weak one. The last may stand
without marks: it is the default where nothing speaks. Without a default the answer is "", and so is that of a mark
under the name "" (a known kind of file for which linguist has no name).

Plain pieces in place of regular expressions: a piece is looked for at the speed of memory, and a reader sees what it
hits. Marks and defaults are this project's own; which languages share an extension is linguist's table.
"""

from collections.abc import Mapping

HEAD_CHARACTERS = 32768

Marks = Mapping[str, tuple[str, ...]]

_XML = ("\n<?xml",)
_68K = ("move.l", "move.w", "move.b", "movem", "moveq", "\tdc.b")
_FORTH = ("\n: ",)
_GERBER = ("\ng04", "%fsla", "%fslax")
_PERL = ("use strict", "use warnings", "use cgi", "\nmy ", "\nsub ", "\npackage ")
_PLSQL = ("create or replace package", "varchar2", "dbms_output", "pls_integer", "%rowtype", "sysdate")
_PROLOG = ("\n:- ", "\n:-", ") :-\n", " :-\n")
_RAKU = ("use v6", "\nunit module", "\nunit class", "\nmulti sub ", "\nmulti method ", "\nuse test;", "\nmy class ")
_ROFF = ('\n.\\"', "\n'\\\"", "\n.so ", "\n.de ", "\n.sh", "\n.pp", "\n.lp", "\n.tl", "\n.ds ", "\n.nr ")
_VBA = ("attribute vb_", "\nprivate sub ", "\npublic sub ", "\nsub ", "\nend sub", "option explicit")

_PAGE: Marks = {"Roff Manpage": ("\n.th ", "\n.dd ", "\n.sh name", "\n.sh synopsis"), "Roff": _ROFF}
_PAGE_EXTENSIONS = ".1 .1in .1m .1x .2 .3 .3in .3m .3p .3pm .3qt .3x .4 .5 .6 .7 .8 .9"

MARKS: Mapping[str, Marks] = {
    **dict.fromkeys(_PAGE_EXTENSIONS.split(), _PAGE),
    ".al": {"AL": ("\ncodeunit ", "\ntable ", "\npage ", "\nreport ", "\nenum ", "\nquery "), "Perl": ()},
    ".as": {"AngelScript": ("\nvoid ", "&in ", "&out ", "&inout ", "\nshared "), "ActionScript": ()},
    ".asc": {
        "Public Key": ("\n-----begin ",),
        "AGS Script": ("\nfunction ", "\nexport ", "\n#define "),
        "AsciiDoc": (),
    },
    ".asm": {"Motorola 68K Assembly": _68K, "Assembly": ()},
    ".asy": {"LTspice Symbol": ("\nsymboltype ",), "Asymptote": ()},
    ".b": {"Limbo": ("\nimplement ", 'include "sys.m"'), "Brainfuck": ()},
    ".bas": {"FreeBasic": ("\ndim as ", "\n#include", "\n#lang"), "BASIC": ("\n10 ", "\n100 "), "VBA": ()},
    ".bb": {
        "Clojure": ("\n(ns ", "\n(require", "\n(def"),
        "BlitzBasic": ("\ngraphics", "\nend function", "\nend type"),
        "BitBake": (),
    },
    ".bf": {"Beef": ("\nnamespace ", "\nusing "), "HyPhy": ("likelihoodfunction", "fscanf"), "Brainfuck": ()},
    ".brd": {"Eagle": (*_XML, "<!doctype eagle"), "KiCad Legacy Layout": ()},
    ".bs": {"Bikeshed": ("<pre class=", "\n<h1"), "BrighterScript": ()},
    ".cake": {"CoffeeScript": (" ->\n", "\ntask '"), "C#": ()},
    ".cfg": {"HAProxy": ("\nfrontend ", "\nbackend ", "\nlisten "), "INI": ()},
    ".cgi": {"Python": ("\nimport ", "\nfrom "), "Shell": ("\nesac", "\nfi\n"), "Perl": ()},
    ".ch": {"Charity": ("\ndata ",), "xBase": ()},
    ".cl": {
        "OpenCL": ("kernel void", "__kernel", "__global", "get_global_id"),
        "Cool": ("class main", " inherits "),
        "Common Lisp": (),
    },
    ".cls": {
        "TeX": ("\\providesclass", "\\needstexformat", "\\newcommand", "\\def\\"),
        "VBA": ("\nversion 1.0 class", "attribute vb_"),
        "ObjectScript": ("\nclassmethod ", " extends %", " extends (%"),
        "OpenEdge ABL": ("\nusing progress", "-level on error", "define variable", "end method.", "end class."),
        "Apex": (),
    },
    ".cmp": {"Gerber Image": _GERBER},
    ".cp": {"Component Pascal": ("\nmodule ", "procedure "), "C++": ()},
    ".cs": {"Smalltalk": ("methodsfor:", "instancevariablenames:"), "C#": ()},
    ".csl": {"XML": (*_XML, "\n<style"), "Kusto": ()},
    ".cue": {"Cue Sheet": ('\nfile "', "\n  track ", "\nrem "), "CUE": ()},
    ".d": {"Makefile": (".o: ", ".o : ", ".lo: "), "DTrace": ("dtrace:::", "#pragma d ", ":::entry"), "D": ()},
    ".ddl": {"PLSQL": _PLSQL, "SQL": ()},
    ".dsc": {"DenizenScript": ("type: task", "type: world", "- narrate"), "Debian Package Control File": ()},
    ".dsp": {"Microsoft Developer Studio Project": ("# microsoft developer studio",), "Faust": ()},
    ".e": {
        "Euphoria": ("end procedure", "end function", "end for"),
        "E": ("\ndef ", "\npragma.", "\nvar "),
        "Eiffel": (),
    },
    ".ecl": {"ECLiPSe": _PROLOG, "ECL": ()},
    ".es": {"Erlang": ("\n-module(", "\n%%", "\n-export("), "JavaScript": ()},
    ".ex": {"Euphoria": ("end procedure", "end function"), "Elixir": ()},
    ".f": {"Forth": _FORTH, "Filebench WML": ("define fileset", "flowop "), "Fortran": ()},
    ".fcgi": {
        "PHP": ("<?php",),
        "Perl": _PERL,
        "Ruby": ("\nrequire ",),
        "Python": ("\nimport ", "\nfrom "),
        "Lua": ("\nlocal ",),
    },
    ".for": {"Forth": _FORTH, "Fortran": ()},
    ".fr": {"Forth": _FORTH, "Frege": ("\nmodule ", "\nimport ", "\ndata "), "Text": ()},
    ".frag": {"JavaScript": ("function(", "function (", "=> {"), "GLSL": ()},
    ".fs": {
        "GLSL": ("\n#version", "void main", "gl_fragcolor"),
        "Filterscript": ("#pragma rs", "__attribute__((kernel))"),
        "Forth": _FORTH,
        "F#": (),
    },
    ".ftl": {"FreeMarker": ("<#", "${", "<@", "[#"), "Fluent": ()},
    ".fx": {"HLSL": ()},
    ".g": {"G-code": ("\ng0", "\ng1 ", "\ng21", "\ng28", "\nm104"), "GAP": (":= function", "\ndeclare", "\ninstall")},
    ".gd": {"GAP": ("\ndeclare", "#############"), "GDScript": ()},
    ".gml": {
        "XML": (*_XML, "xmlns:gml"),
        "Gerber Image": _GERBER,
        "Graph Modeling Language": ("\ngraph [", "\ngraph\n["),
        "Game Maker Language": (),
    },
    ".gs": {
        "GLSL": ("\n#version", "void main", "emitvertex"),
        "Genie": ("[indent=", "\ninit\n", "\nuses\n"),
        "Gosu": ("\nuses ", "\nenhancement ", "\nclasspath "),
        "JavaScript": (),
    },
    ".gst": {"XML": _XML, "Gosu": ()},
    ".h": {
        "Objective-C": (
            "\n@interface",
            "\n@protocol",
            "\n@class ",
            "\n@import",
            "\n#import",
            "\nfoundation_e",
            "\n@end",
        ),
        "C++": (
            *("\nclass ", "\nnamespace ", "\ntemplate<", "\ntemplate <", "\nusing ", "std::", "public:", "private:"),
            *("protected:", "constexpr ", "_cast<", "\n#include <cstd", "\n#include <string>", "\n#include <vector>"),
        ),
        "C": (),
    },
    ".hh": {"Hack": ("\n<?hh",), "C++": ()},
    ".i": {"SWIG": ("\n%module", "\n%include", "\n%{"), "Motorola 68K Assembly": _68K, "Assembly": ("\tmov", "\tequ")},
    ".ice": {"JSON": ("\n{",), "Slice": ()},
    ".inc": {
        "PHP": ("<?php", "\n<?\n"),
        "POV-Ray SDL": ("#declare ", "#local "),
        "SourcePawn": ("sourcemod", "methodmap ", "handle:"),
        "Pawn": ("\nnative ", "\nforward ", "\nstock "),
        "NASL": ("script_id(", "if(description", "if (description"),
        "Pascal": ("\n{$", "\nprocedure ", "\nfunction "),
        "Motorola 68K Assembly": _68K,
        "Assembly": ("%macro", "\tmov", " equ ", "\nsection ."),
        "C++": ("\n#include", "\n#define", "\n#if", "\nnamespace ", "std::", "\nclass "),
        "SQL": ("\ncreate ", "\ninsert ", "\nselect ", "\ndrop "),
        "HTML": ("<html", "<div", "<table", "<a href", "<script"),
    },
    ".j": {"Jasmin": ("\n.class", "\n.method"), "Objective-J": ()},
    ".jq": {"JSONiq": ("jsoniq version", "\nlet $", "\nfor $", "declare function"), "jq": ()},
    ".l": {
        "PicoLisp": ("\n(de ",),
        "Common Lisp": ("\n(def", "\n(in-package"),
        "Roff": (*_ROFF, "\n.th "),
        "Lex": (),
    },
    **{extension: {"NewLisp": ("\n(define ", "(set '"), "Common Lisp": ()} for extension in (".lisp", ".lsp")},
    ".ls": {"LoomScript": ("\npackage", "\nimport loom"), "LiveScript": ()},
    ".m": {
        "Objective-C": ("\n@i", "\n@end", "\n@protocol", "\n#import", "\n#include", "\n#define", "nsstring"),
        "Mercury": (":- module", ":- import_module"),
        "Limbo": ("\nimplement ", ": module\n"),
        "Mathematica": ("\n(*", "beginpackage[", "\nbegin["),
        "MUF": _FORTH,
        "M": ("\n ;", "\n\t;", " quit\n", " quit:"),
        "MATLAB": (),
    },
    ".m4": {"M4Sugar": ("\nac_", "\nam_", "\nau_", "ac_defun", "ac_require", "m4_", "as_if"), "M4": ()},
    **{extension: {**_PAGE, "Roff": ()} for extension in (".man", ".mdoc")},
    ".mask": {"Unity3D Asset": ("\n%yaml", "--- !u!"), "Mask": ()},
    ".mc": {
        "Win32 Message File": ("\nmessageid", "severitynames", "languagenames"),
        "M4": ("\ndnl", "\ndivert(", "define(`"),
        "Monkey C": (),
    },
    ".md": {"GCC Machine Description": ("\n(define_",), "Markdown": ()},
    ".ml": {"Standard ML": ("\nfun ", "\nstructure ", "\nsignature ", "\nfunctor ", "\ndatatype "), "OCaml": ()},
    ".mm": {"XML": (*_XML, "\n<map "), "Objective-C++": ()},
    ".mo": {"Motoko": ("\nactor ", "public func ", "\nimport prim"), "Modelica": ()},
    ".mod": {
        "XML": _XML,
        "Linux Kernel Module": (".ko\n", ".o\n"),
        "Modula-2": ("\nmodule ", "\nimplementation module", "\ndefinition module"),
        "AMPL": ("\nparam ", "\nset ", "\nvar ", "subject to", "\nminimize"),
    },
    ".moo": {"Mercury": _PROLOG, "Moocode": ()},
    ".mqh": {"MQL5": ("\n#include <trade", "ctrade", "copybuffer", "positionselect"), "MQL4": ()},
    ".ms": {"Roff": _ROFF, "Unix Assembly": ("\t.text", "\n.text", ".globl"), "MAXScript": ()},
    ".n": {**_PAGE, "Nemerle": ()},
    ".nas": {"Assembly": ("\tmov", "\nsection .", "[bits ", "\nglobal "), "Nasal": ()},
    ".nb": {"Mathematica": ("notebook[", "(* content-type", "\n(*"), "Text": ()},
    ".ncl": {"XML": (*_XML, "\n<ncl"), "Gerber Image": _GERBER, "NCL": ("\nbegin", "\nload ", "="), "Text": ()},
    ".nl": {"NL": ("\ng3 ",), "NewLisp": ()},
    ".odin": {"Odin": ("\npackage ", " :: "), "Object Data Instance Notation": ()},
    ".p": {"Gnuplot": ("\nset term", "\nset output", "\nplot ", "\nsplot "), "OpenEdge ABL": ()},
    ".pbt": {"PowerBuilder": ("\nsave format v",), "Protocol Buffer Text Format": ()},
    ".php": {"Hack": ("\n<?hh",), "PHP": ()},
    ".pl": {"Raku": _RAKU, "Prolog": _PROLOG, "Perl": ()},
    ".plist": {"XML Property List": (*_XML, "\n<!doctype plist", "\n<plist"), "OpenStep Property List": ()},
    ".pluginspec": {"XML": _XML, "Ruby": ()},
    ".pm": {"X PixMap": ("/* xpm */",), "Raku": _RAKU, "Perl": ()},
    ".pod": {"Pod 6": ("\n=begin pod",), "Pod": ()},
    ".pp": {"Pascal": ("\nunit ", "\nuses", "\nprogram ", "{$"), "Puppet": ()},
    ".prc": {"PLSQL": _PLSQL, "SQL": ()},
    ".pro": {
        "Proguard": ("\n-keep", "\n-dontwarn", "\n-include", "\n-assumenosideeffects"),
        "QMake": ("\nsources", "\nheaders", "qt +=", "\ntemplate =", "\nsubdirs"),
        "Prolog": _PROLOG,
        "IDL": ("\npro ", "\nfunction ", "\nend\n", "compile_opt"),
        "INI": ("\n[",),
    },
    ".properties": {"INI": ("\n[",), "Java Properties": ()},
    ".q": {"HiveQL": ("\nset hive", "create table", "insert overwrite", "\nexplain", "\ndrop table"), "q": ()},
    ".qs": {"Q#": ("\nnamespace ", "operation ", "\n    open microsoft"), "Qt Script": ()},
    ".r": {"Rebol": ("\nrebol [", "\nrebol["), "R": ()},
    ".re": {"C++": ("\n#include", "/*!re2c", "\nnamespace "), "Reason": ()},
    ".res": {"XML": _XML, "ReScript": ()},
    ".rno": {"Roff": _ROFF, "RUNOFF": ()},
    ".rpy": {"Ren'Py": ("\nlabel ", "\ninit", "\ndefine ", "\nscreen "), "Python": ()},
    ".rs": {"XML": _XML, "RenderScript": ("#pragma rs", "#pragma version("), "Rust": ()},
    ".rsc": {"Rascal": ("\nmodule ",), "RouterOS Script": ()},
    ".s": {"Motorola 68K Assembly": _68K, "Unix Assembly": ()},
    ".sc": {"SuperCollider": ("synthdef", "\n+ ", "*new", ".ar(", ".kr(", "^this"), "Scala": ()},
    ".scd": {"Markdown": ("\n# name", "\n# synopsis", "\n# description"), "SuperCollider": ()},
    ".sch": {
        "Eagle": ("<!doctype eagle",),
        "XML": _XML,
        "KiCad Schematic": ("\neeschema schematic", "(kicad_sch"),
        "Scheme": (),
    },
    ".shader": {"ShaderLab": ('shader "', "subshader"), "GLSL": ()},
    ".sls": {"Scheme": ("\n(library", "\n(import", "\n(define", "#!r6rs"), "SaltStack": ()},
    ".sol": {"Gerber Image": _GERBER, "Solidity": ("pragma ", "contract ", "interface ", "library ", "spdx-license")},
    ".spec": {
        "RPM Spec": ("\n%description", "\n%build", "\n%prep", "\nsummary:"),
        "Ruby": ("\nrequire ", "\ndescribe ", "gem::specification"),
        "Python": (" = analysis(", "\nfrom ", "\n# -*- mode: python"),
    },
    ".sql": {
        "PLpgSQL": ("language plpgsql", "language 'plpgsql'"),
        "TSQL": ("\ngo\n", "set nocount on", "nvarchar(", "[dbo].", "\nexec "),
        "SQLPL": ("language sql", "modifies sql data"),
        "PLSQL": _PLSQL,
        "SQL": (),
    },
    ".srt": {"SubRip Text": (" --> ",), "SRecode Template": ()},
    ".st": {"StringTemplate": ("::=", "$if(", "<if(", "$endif"), "Smalltalk": ()},
    ".star": {"STAR": ("\ndata_", "\nloop_"), "Starlark": ()},
    ".stl": {"STL": ("\nsolid ",)},
    # A cram test of dune, shell commands and their output, is often called .t too.
    ".t": {
        "Raku": _RAKU,
        "Turing": ("\nend proc", "\nend func", "\nput "),
        "Terra": ("\nterra ", "terralib."),
        "": ("\n  $ ",),
        "Perl": (),
    },
    ".toc": {"World of Warcraft Addon Data": ("\n## interface", "\n## title"), "TeX": ()},
    ".ts": {"XML": (*_XML, "\n<!doctype ts", "\n<ts "), "TypeScript": ()},
    ".tst": {"GAP": ("gap> ",), "Scilab": ()},
    ".tsx": {"XML": _XML, "TSX": ()},
    ".txt": {"Text": ()},
    ".url": {"INI": ("\n[internetshortcut]",)},
    ".v": {
        "Coq": ("\nproof", "\nqed.", "\nrequire ", "\nfrom ", "\nlemma ", "\ndefinition ", "\ninductive "),
        "V": ("\nfn ", "\npub fn ", "\nmodule main\n"),
        "Verilog": (),
    },
    ".vba": {"Vim Script": ("usevimball",), "VBA": ()},
    ".vhost": {"Nginx": ("server {", "listen "), "ApacheConf": ()},
    ".w": {"CWeb": ("\n@ ", "\n@*", "\n\\input"), "OpenEdge ABL": ()},
    ".workflow": {"HCL": ('\nworkflow "', '\naction "'), "XML": ()},
    ".x": {
        "Logos": ("\n%hook", "\n%ctor", "%orig"),
        "DirectX 3D File": ("\nxof 0",),
        "Linker Script": ("\noutput_", "\nsections"),
        "RPC": ("\nprogram ", "\nunion ", "\ntypedef ", "\n%#"),
    },
    ".yaml": {"MiniYAML": ("\n\tinherits:", "\n\t^"), "YAML": ()},
    ".yy": {"Yacc": ("\n%%", "\n%{", "\n%token"), "JSON": ("\n{", "\n[")},
}
