# SPDX-License-Identifier: ISC
# How U-Boot chooses a set and boots it; compiled into U-Boot as its default command by firmware/uboot.sh, which joins
# the lines and puts in the numbers of the layout (@NAME@, sectors or octets, hexadecimal). Numbers are hexadecimal
# here. A set is board/NAME's kernel and root in one file, see firmware/set.py; marks are told in src/INTERNALS.md.

setenv pick a
setenv other b
setenv good
setenv last
setenv reset
mmc dev 0

# The last mark counts. One sector each: which set, three tries, whether the boot was good.
setenv n 0
setenv p @MARKS@
if mmc read @MARKS@ @MARKS_SECTOR@ @MARKS_COUNT@; then
	while itest.l *${p} != ffffffff && itest ${n} < @MARKS_COUNT@; do
		setenv was
		if itest.l *${p} == 41534554; then
			setenv was a
		fi
		if itest.l *${p} == 42534554; then
			setenv was b
		fi
		if test -n "${was}"; then
			setenv pick ${was}
			setenv last ${p}
			setexpr lastn ${n} + @MARKS_SECTOR@
			setexpr w ${p} + 10
			if itest.l *${w} == 0; then
				setenv good ${was}
				setenv last
			fi
		fi
		setexpr p ${p} + 200
		setexpr n ${n} + 1
	done
fi

# A set that has not yet reported well has three tries; then the last good one.
if test -n "${last}"; then
	setenv try
	for i in c 8 4; do
		setexpr w ${last} + ${i}
		if itest.l *${w} == ffffffff; then
			setenv try ${w}
			setexpr boot ${i} / 4
		fi
	done
	if test -z "${good}"; then
		if test ${pick} = a; then
			setenv good b
		else
			setenv good a
		fi
	fi
	if test -n "${try}"; then
		mw.l ${try} 0
		if mmc write ${last} ${lastn} 1; then
			echo Gatepost: set ${pick}, on trial, boot ${boot} of 3
		else
			echo Gatepost: set ${good}, since the boots of ${pick} cannot be counted
			setenv pick ${good}
		fi
	else
		echo Gatepost: set ${good}, since ${pick} did not report well
		setenv pick ${good}
	fi
fi
if test ${pick} = b; then
	setenv other a
fi

# The button, held for ten seconds: low when pressed. An emulator without that port reads 0 everywhere.
if itest.l *01f02c00 != 0; then
	setenv n 0
	while itest ${n} < 14 && gpio input PL3; do
		sleep 0.5
		setexpr n ${n} + 1
	done
	if itest ${n} == 14; then
		setenv reset gatepost.reset
	fi
fi

for s in ${pick} ${other}; do
	if test ${s} = a; then
		setenv at @SET_A@
		setenv first @SET_A_SECTOR@
		setenv dtb 20
	else
		setenv at @SET_B@
		setenv first @SET_B_SECTOR@
		setenv dtb 28
	fi
	# A sum over the header, then, in the length that this names, one over the rest.
	setenv whole
	setexpr n @SET@ + 4
	if mmc read @SET@ ${first} 1 && itest.l *@SET@ == 4d495047 && itest.l *${n} == 31454741; then
		setexpr n @SET@ + 1bc
		if crc32 @SET@ 1bc @SUM@ && cmp.l @SUM@ ${n} 1; then
			setexpr n @SET@ + c
			setexpr.l n *${n}
			setexpr count ${n} + 1ff
			setexpr count ${count} / 200
			setexpr n ${n} - 200
			if itest ${count} > 1 && itest ${count} <= @SET_COUNT@ && mmc read @SET@ ${first} ${count}; then
				setexpr p @SET@ + 200
				crc32 ${p} ${n} @SUM@
				setexpr n @SET@ + 10
				if cmp.l @SUM@ ${n} 1; then
					setenv whole y
				fi
			fi
		fi
	fi
	if test -n "${whole}"; then
		setexpr n @SET@ + 18
		setexpr.l kernel *${n}
		setexpr kernel ${kernel} + @SET@
		setexpr n @SET@ + ${dtb}
		setexpr.l dtb *${n}
		setexpr dtb ${dtb} + @SET@
		setexpr n @SET@ + 30
		setexpr.l root *${n}
		setexpr root ${root} + ${at}
		setexpr n @SET@ + 34
		setexpr.l size *${n}
		setexpr size ${size} + fff
		setexpr size ${size} / 1000
		setexpr size ${size} * 1000
		setenv bootargs console=ttyS0,115200 @PARTS_1@,0x${size}@0x${root}(root),@PARTS_2@ root=/dev/mmcblk0p4 rootfstype=squashfs ro rootwait panic=5 quiet gatepost.set=${s} ${reset}
		echo Gatepost: booting set ${s}
		bootz ${kernel} - ${dtb}
	fi
	echo Gatepost: set ${s} cannot be booted
done
echo Gatepost: neither set is whole: write the card anew
