# SPDX-License-Identifier: ISC
# Kconfig files and a .config -> C header (form=h) or make variables (form=mk), for every symbol that is declared:
# one that .config does not mention is 0 or n, so that neither C nor make ever meets an undefined name.
#
# usage: awk -v form=h|mk -f config.awk KCONFIG... .config

FNR == 1 { config = FILENAME ~ /\.config(\.[a-z]+)?$/ }

!config && $1 == "config" { name = $2; order[++count] = name; next }
!config && ($1 == "bool" || $1 == "int" || $1 == "hex" || $1 == "string") && !(name in type) { type[name] = $1 }

# What comes from the environment is no choice.
!config && $1 == "option" && $2 ~ /^env=/ { count-- }

config && match($0, /^CONFIG_[A-Z0-9_]+=/) {
	value[substr($0, 8, RLENGTH - 8)] = substr($0, RLENGTH + 1)
}

END {
	print (form == "h" ? "/* made from .config */" : "# made from .config")
	for (i = 1; i <= count; i++) {
		name = order[i]
		v = value[name]
		if (type[name] == "bool") {
			on = v == "y"
			print (form == "h" ? "#define CONFIG_" name " " (on ? 1 : 0) : "CONFIG_" name " := " (on ? "y" : "n"))
		} else {
			if (v == "")
				v = type[name] == "string" ? "\"\"" : 0
			if (form == "mk")
				gsub(/"/, "", v)
			print (form == "h" ? "#define CONFIG_" name " " v : "CONFIG_" name " := " v)
		}
	}
}
